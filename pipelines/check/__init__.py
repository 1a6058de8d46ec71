"""``insights check``: what an Exchange admin runs first.

Belongs here: reading each exchange and each room as a night would, and reporting what is wrong and
how to fix it. Names, subjects and addresses of people are never requested.
Does not belong here: protocols (``pipelines/sources``), and storing anything: a check leaves
nothing behind, except a room directory if it is told to seed one.
"""
