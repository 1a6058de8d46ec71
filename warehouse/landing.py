"""What a night does to the lake: land what was read, drop what is past its retention.

Belongs here: the order of writing that a killed run cannot spoil, and the refusal of rooms
that are not the region's.
Does not belong here: how a partition is written (``lake.py``), which rows survive
(``merge.py``), reading rooms (``pipelines``).
"""

import calendar
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime

from warehouse.lake import DATASETS, Lake, LakeError
from warehouse.merge import merge_coverage, merge_day, rows_of
from warehouse.staging import Staging


def apply_night(  # noqa: PLR0913, PLR0917 - a night has these six parts
    lake: Lake,
    staging: Staging,
    days: Iterable[date],
    room_ids: Collection[str],
    loaded: Mapping[str, datetime],
    failed: Mapping[str, str],
) -> int:
    """Land what a run read; return the number of bookings of the rooms that were read.

    ``room_ids`` is the directory, ``loaded`` the instant each room was read at, ``failed`` the
    code of each that could not be (R13). Of each day the bookings are written before the
    coverage, so that a run that is killed in between never leaves a day that claims to have
    been read without its bookings; the next run writes both again.

    Raises:
        LakeError: rows or outcomes of a room outside the directory, or a room without outcome.
    """
    _refuse_other_rooms(lake, frozenset(room_ids), staging.room_ids(), loaded, failed)
    bookings = 0
    for day in days:
        if loaded:
            merged = merge_day(lake.read("bookings", day), staging.day(day), loaded)
            lake.replace("bookings", day, merged)
            bookings += rows_of(merged, loaded).num_rows
        lake.replace("coverage", day, merge_coverage(lake.read("coverage", day), loaded, failed))
    return bookings


def retain(lake: Lake, today: date, months: int) -> list[date]:
    """Delete the days before this day of the month, so many months back; return them.

    Where that month is shorter, its last day counts. What was deleted is looked for again.

    Raises:
        LakeError: a day could not be deleted, or is still there afterwards.
    """
    first_kept = first_day_kept(today, months)
    old = {(each, day) for each in DATASETS for day in lake.days(each) if day < first_kept}
    for dataset, day in sorted(old):
        lake.delete(dataset, day)
    left = [day for dataset in DATASETS for day in lake.days(dataset) if day < first_kept]
    if left:
        raise LakeError(f"{lake.root}: {min(left)} is past its retention and was not deleted")
    return sorted({day for _, day in old})


def first_day_kept(today: date, months: int) -> date:
    """Return the first local day that the retention keeps: today's day, so many months back.

    The 31st becomes the last day of a shorter month.
    """
    year, month = divmod(today.year * 12 + today.month - 1 - months, 12)
    return date(year, month + 1, min(today.day, calendar.monthrange(year, month + 1)[1]))


def _refuse_other_rooms(
    lake: Lake,
    directory: frozenset[str],
    staged: Collection[str],
    loaded: Mapping[str, datetime],
    failed: Mapping[str, str],
) -> None:
    strangers = sorted({*staged, *loaded, *failed} - directory)
    if strangers:
        raise LakeError(
            f"{lake.root}: room {strangers[0]} is not in the room directory of region "
            f"{lake.region}: nothing was written"
        )
    if loaded.keys() & failed.keys() or loaded.keys() | failed.keys() != directory:
        raise LakeError(f"{lake.root}: every room is either read or failed: nothing was written")
