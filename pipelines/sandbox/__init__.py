"""A simulated Exchange: real EWS and Graph over TLS on loopback, with invented people and rooms.

Belongs here: the server, its data, its deliberate faults, generated calendars.
Does not belong here: anything that reads it. Only tests, benchmarks, the demo and the command line
import this package.
"""
