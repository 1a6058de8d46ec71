"""A simulated Exchange: real EWS and Graph over TLS on loopback, with invented people and rooms.

Belongs here: the server, what it holds, what it does wrong on purpose, generated calendars.
Does not belong here: anything that reads it; nothing outside tests, benchmarks, the demonstration
and the command line imports this package.
"""
