"""``insights check`` and ``compare-sources``, which read Exchange and store nothing.

Belongs here: their options and exit codes; comparing the redacted rows of rooms that are read over
two exchanges, and printing where they differ: rooms, dates, column names and counts, never a value.
Does not belong here: what is checked (``pipelines/check``), how a room is read (``night.py``,
``sources``).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final, TypeAlias

import click
import pyarrow as pa
from rich.console import Console

from pipelines.channels import try_channels
from pipelines.check.run import run_check
from pipelines.cli import (
    DATE,
    FILE,
    NOTHING,
    WHOLE,
    console,
    settings_of,
    with_config,
    with_region,
    with_regions,
)
from pipelines.cli.console import show_remedies
from pipelines.night import Progress, RoomReader, contexts_of, today_in
from pipelines.reading import Outcome, Reading, RoomRead, read_rooms
from pipelines.settings import (
    MOST_DAYS,
    RegionSettings,
    SettingsError,
    did_you_mean,
    read_secrets,
)
from pipelines.sources import DayRange
from pipelines.sources.session import OpenSource, open_source
from transforms.contract import Region
from transforms.contract.lake import STAGED

_Row: TypeAlias = tuple[object, ...]
_NOT_COMPARED: Final = frozenset({"room_id", "read_at"})
_COLUMNS: Final = [name for name in STAGED.names if name not in _NOT_COMPARED]
_STARTS_AT: Final = _COLUMNS.index("starts_at")
_DAY: Final = _COLUMNS.index("local_start_date")

_SHOWN: Final = 40
_KNOWN: Final = {
    "headcount_is_lower_bound": "Graph does not tell a distribution list from a person",
    "created_at": "Graph gives none with headcount: false",
    "is_online": "EWS may leave it out",
}
_ALONE: Final = (
    "only one way: a booking that was made, moved or deleted between the two readings, or one of "
    "all day by an organizer half the world away; see docs/graph.md"
)


@click.command()
@with_config
@with_regions
@click.option("--json", "is_json", is_flag=True, help="A line an exchange and a room, as JSON.")
@click.option(
    "--calendar-processing",
    type=FILE,
    help="CSV of Get-CalendarProcessing: also say which figures cannot be trusted.",
)
@click.option("--write-rooms", type=FILE, help="Seed this room directory from the room lists.")
def check(
    config: Path,
    region: Region | None,
    is_json: bool,
    calendar_processing: Path | None,
    write_rooms: Path | None,
) -> int:
    """Say of each exchange and each room whether it can be read, or what mends it.

    Alerts and reports are tried too: the channel is reached, and nothing is sent.
    """
    settings = settings_of(config, region, is_seeding=write_rooms is not None)
    code = run_check(
        settings,
        [region] if region else list(settings.regions),
        is_json=is_json,
        calendar_processing=calendar_processing,
        write_rooms_to=write_rooms,
    )
    channels = try_channels(settings.alerts, settings.reports)
    for name, error_code in channels.items():
        state = "can be reached" if error_code is None else f"{error_code}; mend {name} in {config}"
        click.echo(f"{name}: {state}", err=is_json)
    return NOTHING if any(channels.values()) else code


@click.command()
@with_config
@with_region
@click.option("--from", "first", type=DATE, help="First local day; default: 30 days ago.")
@click.option("--to", "last", type=DATE, help="Last local day; default: yesterday.")
@click.option("--with", "with_exchange", help="The exchange to read every room over too.")
def compare_sources(
    config: Path,
    region: Region,
    first: datetime | None,
    last: datetime | None,
    with_exchange: str | None,
) -> int:
    """Read a region's rooms over EWS and over Graph, store nothing, say which rows differ."""
    settings = settings_of(config, region)
    today = today_in(settings, region, datetime.now(UTC))
    first_date = first.date() if first else today - timedelta(days=30)
    last_date = last.date() if last else max(first_date, today - timedelta(days=1))
    if first_date > last_date:
        raise click.UsageError(f"--from {first_date} is after --to {last_date}")
    for option, day in (("--from", first_date), ("--to", last_date)):
        if abs((day - today).days) > MOST_DAYS:
            raise click.UsageError(f"{option} {day} is more than {MOST_DAYS} days from today")
    day_range = DayRange(first_date, last_date)
    of_region = settings.regions[region]
    pairs = pairs_of(of_region, with_exchange)
    with console.RunProgress(Console(stderr=True)) as progress:
        comparison = compare(of_region, pairs, day_range, open_source, progress)
    show_comparison(of_region, day_range, comparison)
    return WHOLE if comparison.is_equal else NOTHING


@dataclass(frozen=True, slots=True)
class Pair:
    """A room, its own exchange, and the other exchange that it is also read from."""

    room_id: str
    own: str
    other: str


@dataclass(frozen=True, slots=True)
class DayDifference:
    """A local day of a room on which the rows of the two exchanges differ.

    ``rows`` counts rows that both exchanges have, but that differ; ``columns`` counts them for
    each column in which they differ. ``only_own`` and ``only_other`` count rows of one exchange.
    """

    pair: Pair
    day: date
    rows: int
    columns: Mapping[str, int]
    only_own: int
    only_other: int


@dataclass
class Comparison:
    """The result so far; ``failed`` has the codes of each failed room, by exchange."""

    equal_rows: int = 0
    rooms: int = 0
    differences: list[DayDifference] = field(default_factory=list)
    failed: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def is_equal(self) -> bool:
        """Whether every room could be read both ways, with equal rows."""
        return not self.differences and not self.failed

    def add(self, pair: Pair, found: Mapping[str, Outcome[pa.Table]]) -> None:
        """Compare the rows of a room, or note why it could not be read both ways."""
        own, other = found[pair.own], found[pair.other]
        if not isinstance(own, RoomRead) or not isinstance(other, RoomRead):
            self.failed[pair.room_id] = {
                name: outcome.code
                for name, outcome in found.items()
                if not isinstance(outcome, RoomRead)
            }
            return
        left, right = (
            Counter[_Row](zip(*(table[name].to_pylist() for name in _COLUMNS), strict=True))
            for table in (own.found, other.found)
        )
        self.rooms += 1
        self.equal_rows += (left & right).total()
        self.differences += _differences(pair, left - right, right - left)


def pairs_of(region: RegionSettings, with_exchange: str | None) -> list[Pair]:
    """Return the rooms to read from two exchanges.

    Without ``with_exchange``, the region must have two exchanges, one of each kind.

    Raises:
        SettingsError: it must be named, there is no such exchange, or every room is on it already.
    """
    exchanges = region.exchanges
    if with_exchange is not None:
        if with_exchange not in exchanges:
            remedy = did_you_mean(with_exchange, exchanges)
            raise SettingsError([f"--with: no such exchange in {region.region}; {remedy}"])
        others = dict.fromkeys(exchanges, with_exchange)
    elif len(exchanges) != 2 or len({exchange.kind for exchange in exchanges.values()}) != 2:
        text = "needs one exchange of each kind in the region; name the other one in --with"
        raise SettingsError([f"compare-sources --region {region.region}: {text}"])
    else:
        one, other = exchanges
        others = {one: other, other: one}
    pairs = [
        Pair(room.room_id, room.exchange, others[room.exchange])
        for room in region.rooms
        if others.get(room.exchange, room.exchange) != room.exchange
    ]
    if not pairs:
        raise SettingsError(["--with: no room is on another exchange than this one; name another"])
    return pairs


def compare(
    region: RegionSettings,
    pairs: Sequence[Pair],
    day_range: DayRange,
    open_source: OpenSource,
    progress: Progress,
) -> Comparison:
    """Read both exchanges in parallel, and compare each room as soon as both have answered.

    Raises:
        SettingsError: a secret's environment variable is not set; nothing was begun.
    """
    names = [name for name in region.exchanges if any(name in (p.own, p.other) for p in pairs)]
    exchanges = [region.exchanges[name] for name in names]
    secrets = read_secrets(*exchanges)
    progress.start(region.region, 2 * len(pairs))
    by_room = {pair.room_id: pair for pair in pairs}
    waiting: dict[str, dict[str, Outcome[pa.Table]]] = {room_id: {} for room_id in by_room}
    comparison = Comparison()
    contexts = contexts_of(region)
    readings = [
        Reading(
            addresses={
                pair.room_id: contexts[pair.room_id].address
                for pair in pairs
                if name in (pair.own, pair.other)
            },
            open_source=partial(open_source, exchange, secret, region.headcount),
            read_room=RoomReader(contexts, day_range).read,
            workers=exchange.workers,
            room_deadline_seconds=exchange.room_deadline_seconds,
            exchange=name,
        )
        for name, exchange, secret in zip(names, exchanges, secrets, strict=True)
    ]
    for outcome in read_rooms(readings):
        progress.advance(outcome)
        found = waiting[outcome.room_id]
        found[outcome.exchange] = outcome
        if len(found) == 2:
            comparison.add(by_room[outcome.room_id], waiting.pop(outcome.room_id))
    return comparison


def _differences(pair: Pair, own: Counter[_Row], other: Counter[_Row]) -> Iterator[DayDifference]:
    """Yield the differences by day; match a row to the most similar one with the same start."""
    days = {row[_DAY] for row in (*own, *other)}
    for day in sorted(day for day in days if isinstance(day, date)):
        left, right = (
            [row for row in rows.elements() if row[_DAY] == day] for rows in (own, other)
        )
        columns: Counter[str] = Counter()
        rows = 0
        for row in left:
            alike = [each for each in right if each[_STARTS_AT] == row[_STARTS_AT]]
            if not alike:
                continue
            nearest = min(alike, key=lambda each, row=row: len(_columns(row, each)))  # type: ignore[misc]
            right.remove(nearest)
            columns.update(_columns(row, nearest))
            rows += 1
        yield DayDifference(pair, day, rows, columns, len(left) - rows, len(right))


def _columns(row: Iterable[object], other: Iterable[object]) -> list[str]:
    return [name for name, a, b in zip(_COLUMNS, row, other, strict=True) if a != b]


def show_comparison(settings: RegionSettings, day_range: DayRange, comparison: Comparison) -> None:
    """Print the differences, the failures with their remedies, and the totals."""
    region = settings.region
    differences = sorted(comparison.differences, key=lambda each: (each.pair.room_id, each.day))
    for difference in differences[:_SHOWN]:
        click.echo(
            f"{region} {difference.pair.room_id} {difference.day}: {', '.join(_said(difference))}"
        )
    if len(differences) > _SHOWN:
        click.echo(f"{region}: {len(differences) - _SHOWN} more days differ")
    codes, kinds = set(), set()
    for room_id, failed in sorted(comparison.failed.items()):
        codes |= set(failed.values())
        kinds |= {settings.exchanges[name].kind for name in failed}
        codes_shown = ", ".join(f"{code} over {name}" for name, code in sorted(failed.items()))
        click.echo(f"{region} {room_id}: not compared, {codes_shown}")
    show_remedies(codes, kinds)
    columns: Counter[str] = Counter()
    for each in differences:
        columns.update(each.columns)
    for name in sorted(set(columns) & set(_KNOWN)):
        click.echo(f"{name}: {_KNOWN[name]}; see docs/graph.md")
    if any(each.only_own or each.only_other for each in differences):
        click.echo(_ALONE)
    counts = ", ".join(f"{name} {count:,}" for name, count in columns.most_common())
    alone = sum(each.only_own + each.only_other for each in differences)
    click.echo(
        f"{region}: {comparison.rooms} of {comparison.rooms + len(comparison.failed)} rooms "
        f"compared, {day_range.first_date} to {day_range.last_date}: "
        f"{comparison.equal_rows:,} rows equal, {sum(each.rows for each in differences):,} differ"
        + (f" ({counts})" if counts else "")
        + f", {alone:,} only one way"
    )


def _said(difference: DayDifference) -> Iterator[str]:
    if difference.rows:
        columns = ", ".join(sorted(difference.columns))
        verb = "differs" if difference.rows == 1 else "differ"
        yield f"{_counted(difference.rows)} {verb} in {columns}"
    if difference.only_own:
        yield f"{_counted(difference.only_own)} only over {difference.pair.own}"
    if difference.only_other:
        yield f"{_counted(difference.only_other)} only over {difference.pair.other}"


def _counted(rows: int) -> str:
    return f"{rows:,} row" + ("" if rows == 1 else "s")
