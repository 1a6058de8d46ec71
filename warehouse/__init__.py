"""The Parquet lake and the DuckDB database, as analysts see them.

Belongs here: replacing and reading the lake's days, building and publishing the database.
Does not belong here: anything raw, anything that talks to Exchange, schedules.
"""

from warehouse.connect import connect
from warehouse.what_if import what_if

__all__ = ["connect", "what_if"]
