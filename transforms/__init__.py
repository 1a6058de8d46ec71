"""From raw calendar items to rows without personal data, and what time a room is open.

Belongs here: pure functions, and the contract of the rows that they make.
Does not belong here: I/O, engines, schedulers, logs. Nothing here reads a clock or a file.
"""
