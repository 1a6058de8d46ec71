"""``insights compare-sources``: compare the rows of the same rooms and days over two exchanges.

Nothing is stored; a result holds only room ids, dates, column names and counts.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, TypeAlias

import pyarrow as pa

from pipelines.night import Progress, RoomReader, contexts_of, readings_of
from pipelines.reading import Outcome, RoomRead, read_rooms
from pipelines.settings import RegionSettings, SettingsError, did_you_mean
from pipelines.sources import DayRange
from pipelines.sources.session import OpenSource
from transforms.contract.lake import STAGED

_Row: TypeAlias = tuple[object, ...]
_NOT_COMPARED: Final = frozenset({"room_id", "read_at"})
_COLUMNS: Final = [name for name in STAGED.names if name not in _NOT_COMPARED]
_STARTS_AT: Final = _COLUMNS.index("starts_at")
_DAY: Final = _COLUMNS.index("local_start_date")


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
    room_ids = {
        name: [pair.room_id for pair in pairs if name in (pair.own, pair.other)]
        for name in region.exchanges
    }
    reader = RoomReader(contexts_of(region), day_range)
    both_ways = {name: of_one for name, of_one in room_ids.items() if of_one}
    readings = readings_of(region, reader, open_source, both_ways)
    progress.start(region.region, 2 * len(pairs))
    by_room = {pair.room_id: pair for pair in pairs}
    waiting: dict[str, dict[str, Outcome[pa.Table]]] = {room_id: {} for room_id in by_room}
    comparison = Comparison()
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
