"""Somebody who has the statistics of many nights and solves for what they do not show.

Belongs here: what the attacker knows (``knowledge.py``), the linear programs (``attacker.py``),
what they are built of (``program.py``), and a publisher to try them on (``publisher.py``).
Does not belong here: how numbers are hidden. Nothing here reads the SQL, so that a fault in it
is not repeated here.
"""
