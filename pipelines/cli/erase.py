"""``insights erase``: erase from lake and database, read both again, and give a receipt."""

from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from pipelines.cli import DATE, NOTHING, WHOLE, as_json_text, settings_of, with_region
from pipelines.night import default_range, publish_region, today_in, write_page
from pipelines.settings import RegionSettings, Settings, did_you_mean
from pipelines.texts import render
from transforms.contract import Region
from warehouse.erase import Erasure, Found, find, forget_room, is_known, rows_in_warehouse
from warehouse.erase import erase as erase_in_lake
from warehouse.lake import Lake, LakeBusy
from warehouse.page import has_page
from warehouse.storage import ObjectUrl, WarehouseError
from warehouse.versions import drop_versions, published_versions

_DAY: Final = timedelta(days=1)

if TYPE_CHECKING:  # it needs obstore
    from warehouse.storage.bucket import Remains


class EraseError(WarehouseError):
    """An erasure stopped half-way: one line names the place that still holds the rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What an erasure did: counts, dates and the operator's own ids.

    ``first_date`` or ``last_date`` is None if the erasure is unlimited on that side.
    ``rows_left`` counts rows found when lake and database were read again. ``read_again_from`` is
    the first erased day that the next night reads again; None if there is none.
    ``object_versions_gone`` and ``..._left`` count older versions of objects in buckets, and
    uploads that were never finished.
    ``outlives`` has lines on what stays in a store, and how to remove it.
    """

    region: Region
    room_id: str | None
    first_date: date | None
    last_date: date | None
    is_dry_run: bool
    erased_at: datetime
    partitions_touched: int
    bookings_gone: int
    room_days_gone: int
    changes_gone: int
    database_rows_gone: int
    versions_removed: int
    rows_left: int
    read_again_from: date | None
    read_again_to: date | None
    object_versions_gone: int
    object_versions_left: int
    outlives: tuple[str, ...]

    @property
    def is_verified(self) -> bool:
        """Whether it erased, and reading again found no row and no older object version."""
        return not self.is_dry_run and self.rows_left == self.object_versions_left == 0


@click.command()
@with_region
@click.option("--room", "room_id", help="The room_id whose rows are erased.")
@click.option("--from", "first", type=DATE, help="With --room: first local day; default: all.")
@click.option("--to", "last", type=DATE, help="With --room: last local day; default: all.")
@click.option("--before", type=DATE, help="Instead of --room: every day before this one.")
@click.option("--dry-run", "is_dry_run", is_flag=True, help="Only count what would go.")
@click.option("--json", "as_json", is_flag=True, help="The receipt as JSON.")
def erase(  # noqa: PLR0913, PLR0917 - one parameter an option
    config: Path,
    region: Region,
    room_id: str | None,
    first: date | None,
    last: date | None,
    before: date | None,
    is_dry_run: bool,
    as_json: bool,
) -> int:
    """Erase a room's days, or all days before a date, from lake and database; give a receipt."""
    erasure = erasure_of(room_id, first, last, before)
    settings, now = settings_of(config, region), datetime.now(UTC)
    tomorrow = today_in(settings, region, now) + timedelta(days=1)
    if before is not None and before > tomorrow:
        remedy = f"name a day up to tomorrow, {tomorrow}; a room's bookings ahead go with --room"
        raise click.UsageError(f"--before {before} is yet to come; {remedy}")
    receipt = erase_region(settings, region, erasure, now, is_dry_run=is_dry_run)
    if as_json:
        click.echo(as_json_text(asdict(receipt) | {"is_verified": receipt.is_verified}))
    else:
        click.echo(render("receipt.txt.j2", it=receipt), nl=False)
    return WHOLE if receipt.is_verified or is_dry_run else NOTHING


def erasure_of(
    room_id: str | None, first: date | None, last: date | None, before: date | None
) -> Erasure:
    """Return the erasure that the options of the command ask for.

    Raises:
        click.UsageError: neither or both of --room and --before, or dates that contradict.
    """
    if (room_id is None) == (before is None):
        raise click.UsageError("give either --room ROOM or --before DATE")
    if before is not None:
        if first or last:
            raise click.UsageError("--before takes no --from or --to; they go with --room")
        return Erasure(last_date=max(before, date.min + _DAY) - _DAY)
    first_date, last_date = first or date.min, last or date.max
    if first_date > last_date:
        raise click.UsageError(f"--from {first_date} is after --to {last_date}; swap them")
    room = (room_id or "").strip()  # no id begins or ends with a space
    return Erasure(room_id=room, first_date=first_date, last_date=last_date)


def erase_region(
    settings: Settings, region: Region, erasure: Erasure, now: datetime, *, is_dry_run: bool
) -> Receipt:
    """Erase from the lake, rebuild the database, remove its older versions, read both again.

    Raises:
        click.UsageError: the room is neither in a directory nor stored; nothing was touched.
        LakeBusy: another run of the region is in progress; nothing was erased.
        EraseError: only the lake was erased; running the same command again finishes the rest.
        WarehouseError: the lake could not be read or written.
    """
    warehouse = settings.regions[region].warehouse
    lake = Lake(settings.regions[region].lake, region)
    _refuse_unknown_room(settings, region, lake, erasure)
    database_rows = rows_in_warehouse(warehouse, region, erasure)
    old_versions = len(published_versions(warehouse, region))
    if is_dry_run:
        found, left = find(lake, erasure), 0
    else:
        found = erase_in_lake(lake, erasure)
        try:
            if found.days or old_versions:
                # An empty lake without a directory may be a disk that is not mounted.
                is_ours = erasure.room_id is None and lake.read("rooms") is not None
                erased_through = erasure.last_date if is_ours else None
                publish_region(settings, region, now, erased_through=erased_through)
                drop_versions(warehouse, region, lambda _: True)
            if has_page(warehouse, region):
                write_page(settings, region)  # the old page still counts the erased bookings
            again = find(lake, erasure)
            left = again.bookings + again.room_days + again.changes
            left += rows_in_warehouse(warehouse, region, erasure)
        except WarehouseError as error:
            raise EraseError(
                f"{error}; the lake is erased, but the database still holds the rows: "
                "mend this and run the same command again"
            ) from None
    own = settings.regions[region]
    gone, remains = _forget_the_rest(own, lake, erasure, now, is_dry_run=is_dry_run)
    night = default_range(settings, today_in(settings, region, now))
    again_from = max(erasure.first_date, night.first_date)
    again_to = min(erasure.last_date, night.last_date)
    is_again = again_from <= again_to
    return Receipt(
        region=region,
        room_id=erasure.room_id,
        first_date=erasure.first_date if erasure.first_date != date.min else None,
        last_date=erasure.last_date if erasure.last_date != date.max else None,
        is_dry_run=is_dry_run,
        erased_at=now.astimezone(UTC).replace(microsecond=0),
        partitions_touched=len(found.days),
        bookings_gone=found.bookings,
        room_days_gone=found.room_days,
        changes_gone=found.changes,
        database_rows_gone=database_rows,
        versions_removed=old_versions,
        rows_left=left,
        read_again_from=again_from if is_again else None,
        read_again_to=again_to if is_again else None,
        object_versions_gone=gone,
        object_versions_left=sum(each.left for each in remains),
        outlives=tuple(note for each in remains for note in each.notes),
    )


def _forget_the_rest(
    settings: RegionSettings, lake: Lake, erasure: Erasure, now: datetime, *, is_dry_run: bool
) -> "tuple[int, list[Remains]]":
    """Remove what buckets keep of older objects, then the last trace of a room that left.

    Return how many older objects are gone, and what is left at the end. Until the room is
    forgotten, a killed erasure can be run again; what that leaves in buckets is removed after it.
    """
    remains = _older_objects(settings, now, is_removed=not is_dry_run)
    gone = sum(each.gone for each in remains)
    try:
        if not is_dry_run and forget_room(lake, erasure):
            remains = _older_objects(settings, now, is_removed=True)
            gone += sum(each.gone for each in remains)
    except LakeBusy as error:
        raise EraseError(
            f"{error}; the rows are erased, but the id of a room that left the directory is not: "
            "run the same command again"
        ) from None
    return gone, remains


def _older_objects(settings: RegionSettings, now: datetime, *, is_removed: bool) -> "list[Remains]":
    """Count the older versions of objects that buckets keep, and remove them if asked.

    Folders keep none.
    """
    places = [settings.lake, settings.warehouse]
    if not any(isinstance(place, ObjectUrl) for place in places):
        return []
    from warehouse.storage.bucket import buckets_of  # noqa: PLC0415 - only where configured

    return [bucket.remains(now, is_removed=is_removed) for bucket in buckets_of(places)]


def _refuse_unknown_room(settings: Settings, region: Region, lake: Lake, erasure: Erasure) -> None:
    if erasure.room_id is None:
        return
    known = {room.room_id for room in settings.regions[region].rooms}
    everything = Erasure(room_id=erasure.room_id)
    # What only the directory's history has may be left by an erasure that was killed.
    if erasure.room_id in known or is_known(lake, erasure.room_id):
        return
    if find(lake, everything) != Found():
        return
    if rows_in_warehouse(settings.regions[region].warehouse, region, everything):
        return
    raise click.UsageError(
        f"--room {erasure.room_id}: in no room directory and nowhere stored; "
        f"{did_you_mean(erasure.room_id, known)}"
    )
