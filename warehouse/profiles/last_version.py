"""What the version before tonight's remembers (R17), read from where it was published.

Belongs here: finding and reading the table ``booking_profile_shown`` of the current version.
Does not belong here: what follows from it for tonight (``memory.py``).
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from transforms.contract import Region
from warehouse.connect import opened
from warehouse.profiles.labels import LABEL
from warehouse.profiles.memory import MEMORY, REMEMBERED_ROWS
from warehouse.storage import Location
from warehouse.versions import VersionError, at_hand, current_version

_NAMES: Final = REMEMBERED_ROWS.names
_LABELS: Final = [field.name for field in REMEMBERED_ROWS if field.type == LABEL]
_ROWS_AT_A_TIME: Final = 65_536


@dataclass(frozen=True, slots=True)
class LastVersion:
    """The current version of a region, whichever it is when it is read."""

    warehouse: Location
    region: Region

    def shown_since(self, first: date) -> pa.Table:
        """Return what it remembers of a day and later ones; nothing if there is no such version.

        Its Parquet file is read if there is one: a database in a bucket would be downloaded whole.
        Labels become numbers batch by batch: of 80,000 rooms they take 63 MB, as texts 154.
        """
        try:
            version = current_version(self.warehouse, self.region)
        except VersionError:
            return REMEMBERED_ROWS.empty_table()
        with suppress(VersionError, OSError, pa.ArrowInvalid, KeyError):
            tables = version.parent / version.name.removesuffix(".duckdb")
            with (
                at_hand(tables / f"{MEMORY}.parquet") as path,
                pq.ParquetFile(path, read_dictionary=_LABELS) as file,
            ):
                return _since(first, file.iter_batches(_ROWS_AT_A_TIME, columns=_NAMES))
        with suppress(VersionError, duckdb.Error, OSError), opened(version) as connection:
            rows = connection.sql(f"SELECT {', '.join(_NAMES)} FROM {MEMORY}")  # noqa: S608 - names of ours
            return _since(first, rows.to_arrow_reader(_ROWS_AT_A_TIME))
        return REMEMBERED_ROWS.empty_table()


def _since(first: date, batches: Iterable[pa.RecordBatch]) -> pa.Table:
    kept = []
    for batch in batches:
        rows = batch.select(_NAMES).cast(REMEMBERED_ROWS)
        kept.append(rows.filter(pc.greater_equal(rows["last_shown_on"], first)))
    return pa.Table.from_batches(kept, REMEMBERED_ROWS)
