"""What runs, when, and against which Exchange.

Belongs here: settings, sources, the nightly run, Dagster's definitions, the command line.
Does not belong here: what a row means (``transforms``), how it is stored (``warehouse``).
"""
