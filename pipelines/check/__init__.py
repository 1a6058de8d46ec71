"""``insights check``: what an Exchange admin runs first.

Belongs here: asking each exchange and each room the way a night would, and saying what is wrong
and what mends it. Names, subjects and addresses of people are never asked for.
Does not belong here: protocols (``pipelines/sources``), and storing anything: a check leaves no
trace but the room directory that it may be told to seed.
"""
