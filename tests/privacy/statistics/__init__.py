"""An attacker who has the statistics of many nights and solves for the hidden counts.

Belongs here: what the attacker knows (``knowledge.py``), the integer programs (``attacker.py``),
their unknowns and equations (``program.py``), and a publisher to test them on (``publisher.py``).
Does not belong here: how numbers are hidden. Nothing here uses the SQL that hides them, so that its
faults are not repeated here.
"""
