"""What a night does to the lake: land what was read, drop what is past its retention.

Belongs here: the order of writing that a killed run cannot spoil, and the refusal of rooms
that are not the region's.
Does not belong here: how a partition is written (``lake.py``), which rows survive
(``merge.py``), reading rooms (``pipelines``).
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

import pyarrow.compute as pc
from dateutil.relativedelta import relativedelta

from warehouse.lake import DATASETS, Lake, LakeError
from warehouse.merge import merge_coverage, merge_day, merge_earlier_day, rows_of
from warehouse.staging import Staging

_EARLIEST: Final = timedelta(hours=14)  # no zone is further ahead of UTC


def apply_night(  # noqa: PLR0913, PLR0917 - a night has these seven parts
    lake: Lake,
    staging: Staging,
    days: Sequence[date],
    room_ids: Collection[str],
    loaded: Mapping[str, datetime],
    failed: Mapping[str, str],
    begins: Mapping[str, datetime],
) -> int:
    """Land what a run read; return the number of bookings of the rooms that were read.

    ``room_ids`` is the directory, ``loaded`` the instant each room was read at, ``failed`` the
    code of each that could not be (R13), ``begins`` the instant at which the days asked begin in
    each room's zone. A booking that began before them and runs on into them is stored under its
    own day (R10). Of each day the bookings are written before the
    coverage, so that a run that is killed in between never leaves a day that claims to have
    been read without its bookings; the next run writes both again.

    Raises:
        LakeError: rows or outcomes of a room outside the directory, or a room without outcome.
    """
    _refuse_other_rooms(lake, frozenset(room_ids), staging.room_ids(), loaded, failed)
    bookings = 0
    begins = {room_id: begins[room_id] for room_id in loaded}
    if begins:
        running = lake.days_running_until(min(begins.values()), before=min(days))
        for day in sorted({*running, *(day for day in staging.days() if day < min(days))}):
            old = lake.read("bookings", day)
            merged = merge_earlier_day(old, staging.day(day), begins)
            if merged.num_rows if old is None else not merged.equals(old):
                lake.replace("bookings", day, merged)
    for day in days:
        if loaded:
            merged = merge_day(lake.read("bookings", day), staging.day(day), loaded)
            lake.replace("bookings", day, merged)
            bookings += rows_of(merged, loaded).num_rows
        lake.replace("coverage", day, merge_coverage(lake.read("coverage", day), loaded, failed))
    return bookings


def retain(lake: Lake, today: date, months: int) -> list[date]:
    """Delete the days before this day of the month, so many months back; return them.

    Where that month is shorter, its last day counts. A booking that still runs on the first day
    kept stays (R10). What was deleted is looked for again.

    Raises:
        LakeError: a day could not be deleted, or is still there afterwards.
    """
    first_kept = first_day_kept(today, months)
    # The earliest instant at which that day begins in any zone.
    begins_at = datetime(first_kept.year, first_kept.month, first_kept.day, tzinfo=UTC) - _EARLIEST
    running = frozenset(lake.days_running_until(begins_at, before=first_kept))
    old = {(each, day) for each in DATASETS for day in lake.days(each) if day < first_kept}
    deleted = set()
    for dataset, day in sorted(old):
        if dataset == "bookings" and day in running:
            rows = lake.read("bookings", day)
            kept = None if rows is None else rows.filter(pc.greater(rows["ends_at"], begins_at))
            if kept is not None and kept.num_rows < (rows.num_rows if rows else 0):
                lake.replace("bookings", day, kept)
                deleted.add(day)
        else:
            lake.delete(dataset, day)
            deleted.add(day)
    left = [
        day
        for dataset in DATASETS
        for day in lake.days(dataset)
        if day < first_kept and not (dataset == "bookings" and day in running)
    ]
    if left:
        raise LakeError(f"{lake.root}: {min(left)} is past its retention and was not deleted")
    return sorted(deleted)


def first_day_kept(today: date, months: int) -> date:
    """Return the first local day that the retention keeps: today's day, so many months back.

    The 31st becomes the last day of a shorter month.
    """
    return today - relativedelta(months=months)


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
