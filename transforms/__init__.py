"""Turn raw calendar items into rows without personal data; work out when rooms are open.

Belongs here: pure functions, and the contract of the rows that they make.
Does not belong here: I/O, engines, schedulers, logs. Nothing here reads a clock or a file.
"""
