"""The Parquet lake of one region: the only module that knows where its files are.

Belongs here: the few verbs that everything else is built of: replace, read, list, delete a
partition; one run at a time. An object store would be another module with the same verbs.
Does not belong here: the file format (``parquet.py``), safe writing (``tree.py``), which rows
survive (``merge.py``), what a night does with the verbs (``landing.py``).

Layout: ``<root>/bookings/region=EU/date=2026-11-21/bookings.parquet``, ``coverage`` alike,
``<root>/rooms/region=EU/rooms.parquet``. ``<root>/.staging`` is what a run has in hand; it is
swept when the next one starts. A root belongs to one region.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import date, datetime
from pathlib import Path
from typing import Final, Literal, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

from transforms.contract import BOOKINGS, Region
from warehouse.parquet import FormatError, check, decode, encode
from warehouse.staging import Staging
from warehouse.tree import Tree, WarehouseError

Dataset: TypeAlias = Literal["bookings", "coverage"]

DATASETS: Final[tuple[Dataset, ...]] = ("bookings", "coverage")
_STAGING: Final = ".staging"
_LOCK: Final = ".lock"


class LakeError(WarehouseError):
    """The lake cannot be used as asked: one line that names the path and the remedy."""


class LakeBusy(LakeError):  # noqa: N818 - it is a state that passes, not a fault
    """Another run of the region is going on."""


class Lake:
    """The lake of one region. Every method raises ``LakeError`` where it cannot do its work.

    Writing takes the lake for itself; a caller that writes more than once holds
    ``exclusive()`` around it. Reading needs no lock: files are replaced whole.
    """

    def __init__(self, root: Path, region: Region) -> None:
        self.root = root
        self.region = region
        self._tree = Tree(root, "lake", LakeError)
        self._is_held = threading.Event()

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Be the only writer; what a killed run left behind is swept first.

        Raises:
            LakeBusy: at once, if another process, thread or ``Lake`` is writing.
        """
        self._refuse_other_regions()
        with self._locked():
            self._tree.remove(_STAGING)
            self._is_held.set()
            try:
                yield
            finally:
                self._is_held.clear()

    @contextmanager
    def staging(self) -> Iterator[Staging]:
        """Give room for the rows of a run, in this lake, so that they stay in its region."""
        with self._writing():
            name = f"run-{os.getpid()}-{threading.get_ident()}"
            self._tree.ensure(_STAGING, name)
            try:
                yield Staging(self._tree, _STAGING, name)
            finally:
                self._tree.remove(_STAGING, name)

    def replace(self, dataset: Dataset, day: date, table: pa.Table) -> None:
        """Replace the rows of one local day; no rows are an empty file, not a missing one.

        Raises:
            LakeError: the table is not exactly the contract's, or is another region's.
            LakeBusy: another run is writing, and this lake is not held by ``exclusive()``.
        """
        self._write(dataset, self._daily(dataset, day), table)

    def read(self, dataset: Dataset, day: date) -> pa.Table | None:
        """Return the rows of one local day, None if the day was never written."""
        return self._read(dataset, self._daily(dataset, day))

    def replace_rooms(self, table: pa.Table) -> None:
        """Replace the room directory (without addresses)."""
        self._write("rooms", self._rooms(), table)

    def read_rooms(self) -> pa.Table | None:
        """Return the room directory of the last run, None if there was none."""
        return self._read("rooms", self._rooms())

    def days(self, dataset: Dataset) -> list[date]:
        """Return the local days that have a file, in order."""
        self._refuse_other_regions()
        names = self._tree.names(dataset, f"region={self.region}")
        days = [day for day in map(_day_of, names) if day is not None]
        return [day for day in days if self._tree.look(*self._daily(dataset, day))]

    def files(
        self,
        dataset: Literal["bookings", "coverage", "rooms"],
        first_date: date | None = None,
        last_date: date | None = None,
    ) -> list[Path]:
        """Return the files of a dataset, those of the days asked, for an engine to scan.

        Each was looked at: the contract's schema, this region's, no symlink.
        """
        self._refuse_other_regions()
        parts = (
            [self._rooms()]
            if dataset == "rooms"
            else [
                self._daily(dataset, day)
                for day in self.days(dataset)
                if (first_date or day) <= day <= (last_date or day)
            ]
        )
        return [self._checked(dataset, each) for each in parts if self._tree.look(*each)]

    def days_running_until(self, instant: datetime, before: date) -> list[date]:
        """Return the days before a date on which a booking starts that ends after an instant.

        Told by the files' own statistics, without reading a row.
        """
        found = []
        for day in self.days("bookings"):
            if day < before:
                metadata = pq.read_metadata(self._checked("bookings", self._daily("bookings", day)))
                ends = [
                    metadata.row_group(number)
                    .column(BOOKINGS.names.index("ends_at"))
                    .statistics.max
                    for number in range(metadata.num_row_groups)
                    if metadata.row_group(number).num_rows
                ]
                if any(end > instant for end in ends):
                    found.append(day)
        return found

    def refuse_damage(self) -> None:
        """Read every file whole; the first one that cannot be is refused by its path."""
        for dataset in DATASETS:
            for day in self.days(dataset):
                self.read(dataset, day)

    def delete(self, dataset: Dataset, day: date) -> None:
        """Delete one local day with all that lies in its folder; a missing one is fine."""
        self._refuse_other_regions()
        with self._writing():
            self._tree.remove(*self._daily(dataset, day)[:-1])

    def _daily(self, dataset: Dataset, day: date) -> tuple[str, ...]:
        return (dataset, f"region={self.region}", f"date={day}", f"{dataset}.parquet")

    def _rooms(self) -> tuple[str, ...]:
        return ("rooms", f"region={self.region}", "rooms.parquet")

    def _write(self, dataset: str, parts: tuple[str, ...], table: pa.Table) -> None:
        self._refuse_other_regions()
        with self._format_errors(parts, "not written, the table", "it must be the contract's"):
            content = encode(dataset, self.region, table)
        with self._writing():
            self._tree.write(memoryview(content), _STAGING, *parts)

    def _read(self, dataset: str, parts: tuple[str, ...]) -> pa.Table | None:
        self._refuse_other_regions()
        content = self._tree.read(*parts)
        with self._format_errors(parts):
            return None if content is None else decode(dataset, self.region, content)

    def _checked(self, dataset: str, parts: tuple[str, ...]) -> Path:
        path = self._tree.path(*parts)
        with self._format_errors(parts):
            try:
                check(dataset, self.region, pq.read_schema(path))
            except (pa.ArrowInvalid, OSError):
                raise FormatError("is damaged") from None
        return path

    def _writing(self) -> AbstractContextManager[None]:
        return nullcontext() if self._is_held.is_set() else self._locked()

    def _locked(self) -> AbstractContextManager[None]:
        busy = LakeBusy(
            f"{self.root}: another run of region {self.region} is going on: wait for its end"
        )
        return self._tree.locked(_LOCK, busy)

    def _refuse_other_regions(self) -> None:
        for dataset in (*DATASETS, "rooms"):
            for name in self._tree.names(dataset):
                if name.startswith("region=") and name != f"region={self.region}":
                    raise LakeError(
                        f"{self._tree.path(dataset, name)}: is another region's: "
                        f"give region {self.region} a 'lake' of its own in the configuration"
                    )

    @contextmanager
    def _format_errors(
        self,
        parts: tuple[str, ...],
        what: str = "the file",
        remedy: str = "delete it and run its days again",
    ) -> Iterator[None]:
        try:
            yield
        except FormatError as error:
            raise LakeError(f"{self._tree.path(*parts)}: {what} {error}: {remedy}") from None


def _day_of(name: str) -> date | None:
    """Return the day of a partition's folder, None if the name is not one of ours."""
    try:
        day = date.fromisoformat(name.removeprefix("date="))
    except ValueError:
        return None
    return day if name == f"date={day}" else None
