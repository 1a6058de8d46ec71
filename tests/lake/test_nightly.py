"""A night stores whole days, keeps rows of rooms it could not read, and removes old days."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.lake.rows import (
    FIRST_NIGHT,
    SATURDAY,
    SECOND_NIGHT,
    SUNDAY,
    booking,
    coverage,
    directory,
    facts,
    files,
    headcounts,
    root_of,
    staged,
    stored,
)
from tests.object_stores import EVERYWHERE
from transforms.contract.lake import ROOMS
from warehouse.lake import DATASETS, Dataset, Lake, LakeError
from warehouse.nightly import apply_night, retain, staging
from warehouse.storage.disk import DiskStorage

DAYS = [SATURDAY, SUNDAY]
BEGINS_AT = datetime(SATURDAY.year, SATURDAY.month, SATURDAY.day, tzinfo=UTC)
TWO_DAYS = timedelta(days=2)


def night(
    lake: Lake,
    *rows: Mapping[str, Any],
    loaded: Mapping[str, datetime],
    failed: Mapping[str, str] | None = None,
    directory: frozenset[str] | None = None,
    begins_at: datetime = BEGINS_AT,
) -> int:
    failed = failed or {}
    directory = directory or frozenset({*loaded, *failed})
    with lake.exclusive(), staging(lake) as rows_of_run:
        rows_of_run.add(staged(*rows))
        return apply_night(
            *(lake, rows_of_run, DAYS, directory, loaded, failed),
            *(dict.fromkeys(loaded, (begins_at, begins_at + TWO_DAYS)), (), SECOND_NIGHT.date()),
        )


def content(lake: Lake) -> dict[str, bytes]:
    paths = [*files(lake, "bookings"), *files(lake, "coverage")]
    return {str(path): path.read_bytes() for path in paths}


@EVERYWHERE
def test_a_night_writes_bookings_and_coverage_of_every_day_asked(lake: Lake) -> None:
    count = night(lake, booking("a"), booking("b"), loaded={"a": FIRST_NIGHT, "b": FIRST_NIGHT})
    assert count == 2
    assert lake.days("bookings") == lake.days("coverage") == DAYS
    assert headcounts(lake.read("bookings", SATURDAY)) == [("a", 3), ("b", 3)]
    for day in DAYS:
        assert [row[1:] for row in facts(lake.read("coverage", day))] == [
            (True, FIRST_NIGHT, None)
        ] * 2


@EVERYWHERE
def test_a_cancelled_or_moved_booking_shows_after_the_next_night(lake: Lake) -> None:
    night(lake, booking("a"), booking("a", hour=15), loaded={"a": FIRST_NIGHT})
    night(lake, booking("a", SUNDAY, hour=15), loaded={"a": SECOND_NIGHT})
    assert facts(lake.read("bookings", SATURDAY)) == []
    assert headcounts(lake.read("bookings", SUNDAY)) == [("a", 3)]


@EVERYWHERE
def test_r13_a_failed_room_keeps_its_rows_and_coverage_says_so(lake: Lake) -> None:
    both = {"a": FIRST_NIGHT, "b": FIRST_NIGHT}
    night(lake, booking("a"), booking("b"), loaded=both)
    count = night(
        lake,
        booking("a", headcount=9, read_at=SECOND_NIGHT),
        loaded={"a": SECOND_NIGHT},
        failed={"b": "ErrorAccessDenied"},
    )
    assert count == 1
    table = lake.read("bookings", SATURDAY)
    assert headcounts(table) == [("a", 9), ("b", 3)]
    assert table is not None
    assert table["read_at"].to_pylist() == [SECOND_NIGHT, FIRST_NIGHT]
    assert facts(lake.read("coverage", SATURDAY)) == [
        ("a", True, SECOND_NIGHT, None),
        ("b", False, FIRST_NIGHT, "ErrorAccessDenied"),
    ]


def test_a_booking_before_the_days_asked_is_not_lost_where_its_room_has_another_zone_now(
    lake: Lake,
) -> None:
    in_tokyo = BEGINS_AT - timedelta(hours=9)
    late = booking("a", starts_at=in_tokyo, ends_at=BEGINS_AT - timedelta(hours=7))
    noon = booking("a", hour=12)
    at_once = booking("a", starts_at=BEGINS_AT, ends_at=BEGINS_AT)
    night(lake, late, noon, at_once, loaded={"a": FIRST_NIGHT}, begins_at=in_tokyo)
    night(lake, noon, at_once, loaded={"a": SECOND_NIGHT})
    starts = [row[1] for row in facts(lake.read("bookings", SATURDAY))]
    assert starts == [in_tokyo, BEGINS_AT, noon["starts_at"]]
    assert facts(lake.read("changes", SECOND_NIGHT.date())) == []


def test_a_room_taken_out_of_the_directory_keeps_its_rows_in_the_lake(lake: Lake) -> None:
    night(lake, booking("a"), booking("old"), loaded={"a": FIRST_NIGHT, "old": FIRST_NIGHT})
    night(lake, booking("a"), loaded={"a": SECOND_NIGHT})
    assert headcounts(lake.read("bookings", SATURDAY)) == [("a", 3), ("old", 3)]
    assert [row[0] for row in facts(lake.read("coverage", SATURDAY))] == ["a", "old"]


def test_the_same_night_twice_leaves_the_same_bytes(lake: Lake) -> None:
    rows = [booking(room, day, hour) for room in "ab" for day in DAYS for hour in (9, 9, 11)]
    loaded = {"a": FIRST_NIGHT, "b": FIRST_NIGHT}
    night(lake, *rows, loaded=loaded)
    before = content(lake)
    night(lake, *reversed(rows), loaded=loaded)
    assert content(lake) == before
    assert len(before) == 4


@EVERYWHERE
def test_r10_what_ran_on_into_the_days_asked_is_replaced_under_its_own_day(lake: Lake) -> None:
    earlier = date(2026, 11, 10)
    long: dict[str, Any] = {"ends_at": BEGINS_AT + timedelta(days=30)}
    lake.replace(
        "bookings",
        earlier,
        stored(
            booking("a", earlier),
            booking("a", earlier, hour=15, **long),
            booking("b", earlier, **long),
        ),
    )
    night(lake, loaded={"a": FIRST_NIGHT}, failed={"b": "HTTP503"})
    assert [row[0] for row in facts(lake.read("bookings", earlier))] == ["a", "b"]
    for _ in range(2):
        night(lake, booking("a", earlier, hour=16, **long), loaded={"a": FIRST_NIGHT})
        assert [row[:2] for row in facts(lake.read("bookings", earlier))] == [
            ("a", BEGINS_AT.replace(day=10, hour=9)),
            ("a", BEGINS_AT.replace(day=10, hour=16)),
            ("b", BEGINS_AT.replace(day=10, hour=9)),
        ]
    assert lake.days("coverage") == DAYS


@EVERYWHERE
def test_r10_retention_keeps_a_booking_that_still_runs_and_nothing_else_of_its_day(
    lake: Lake,
) -> None:
    old = date(2025, 9, 1)
    long: dict[str, Any] = {"ends_at": BEGINS_AT + timedelta(days=30)}
    lake.replace("bookings", old, stored(booking("a", old), booking("b", old, **long)))
    assert retain(lake, SATURDAY, 13) == [old]
    assert [row[0] for row in facts(lake.read("bookings", old))] == ["b"]
    assert retain(lake, SATURDAY, 13) == []


@pytest.mark.parametrize(
    ("time_zone", "last_of_friday"),
    [
        ("Pacific/Kiritimati", 10),
        ("Asia/Kolkata", 18.5),
        ("Europe/Copenhagen", 23),
        ("America/New_York", 29),
        (None, 36),
    ],
)
def test_the_day_before_the_first_one_kept_goes_whole_on_the_clock_of_each_room(
    lake: Lake, time_zone: str | None, last_of_friday: float
) -> None:
    friday = date(2025, 11, 21)
    ends_at = datetime(2025, 11, 21, tzinfo=UTC) + timedelta(hours=last_of_friday)
    if time_zone:
        (room,) = directory("a").to_pylist()
        rooms = pa.Table.from_pylist([room | {"time_zone": time_zone}], schema=ROOMS)
        lake.replace("rooms", None, rooms)
    over = booking("a", friday, hour=1, ends_at=ends_at)
    lake.replace("bookings", friday, stored(over))
    assert retain(lake, date(2026, 11, 22), 12) == [friday]
    assert lake.days("bookings") == []
    lake.replace("bookings", friday, stored(over | {"ends_at": ends_at + timedelta(minutes=1)}))
    assert retain(lake, date(2026, 11, 22), 12) == []
    assert lake.days("bookings") == [friday]


def test_r10_a_booking_of_a_day_that_was_not_asked_is_left_to_its_own_partition(lake: Lake) -> None:
    night(lake, booking("a", date(2026, 11, 20)), booking("a"), loaded={"a": FIRST_NIGHT})
    assert lake.days("bookings") == DAYS


def test_a_night_in_which_every_room_failed_touches_no_booking(lake: Lake) -> None:
    night(lake, booking("a"), loaded={"a": FIRST_NIGHT})
    path = files(lake, "bookings")[0]
    inode = path.stat().st_ino
    assert night(lake, loaded={}, failed={"a": "HTTP503"}) == 0
    assert path.stat().st_ino == inode
    assert facts(lake.read("coverage", SATURDAY)) == [("a", False, FIRST_NIGHT, "HTTP503")]


@pytest.mark.parametrize(
    ("loaded", "failed", "room_id"),
    [
        ({"a": FIRST_NIGHT}, {}, "na-1"),
        ({"a": FIRST_NIGHT, "na-1": FIRST_NIGHT}, {}, "a"),
        ({"a": FIRST_NIGHT}, {"na-1": "HTTP403"}, "a"),
    ],
)
def test_a_room_that_is_not_in_the_regions_directory_is_refused_before_anything_is_written(
    lake: Lake, loaded: dict[str, datetime], failed: dict[str, str], room_id: str
) -> None:
    with pytest.raises(LakeError, match="na-1 is not in the room directory of region EU"):
        night(lake, booking(room_id), loaded=loaded, failed=failed, directory=frozenset("a"))
    assert lake.days("bookings") == lake.days("coverage") == []


def test_a_directory_room_without_an_outcome_is_refused(lake: Lake) -> None:
    with pytest.raises(LakeError, match="either read or failed"):
        night(lake, loaded={"a": FIRST_NIGHT}, directory=frozenset("ab"))
    with pytest.raises(LakeError, match="either read or failed"):
        night(lake, loaded={"a": FIRST_NIGHT}, failed={"a": "X"}, directory=frozenset("ab"))


@pytest.mark.parametrize(
    ("today", "months", "first_kept"),
    [
        (date(2026, 11, 22), 13, date(2025, 10, 22)),
        (date(2026, 3, 31), 1, date(2026, 2, 28)),
        (date(2028, 3, 31), 1, date(2028, 2, 29)),
        (date(2026, 1, 31), 2, date(2025, 11, 30)),
        (date(2028, 2, 29), 12, date(2027, 2, 28)),
        (date(2026, 1, 15), 13, date(2024, 12, 15)),
        (date(2026, 12, 31), 12, date(2025, 12, 31)),
    ],
)
def test_days_before_this_day_of_the_month_so_many_months_back_are_deleted(
    lake: Lake, today: date, months: int, first_kept: date
) -> None:
    last_deleted = date.fromordinal(first_kept.toordinal() - 1)
    for day in (date(2019, 1, 1), last_deleted, first_kept, today):
        lake.replace("bookings", day, stored(booking("a", day)))
        lake.replace("coverage", day, coverage(("a", True, FIRST_NIGHT, None)))
    assert retain(lake, today, months) == [date(2019, 1, 1), last_deleted]
    assert lake.days("bookings") == lake.days("coverage") == [first_kept, today]


@EVERYWHERE
def test_retention_reaches_a_day_that_has_only_coverage(lake: Lake) -> None:
    lake.replace("coverage", date(2020, 1, 1), coverage(("a", False, None, "HTTP503")))
    assert retain(lake, SATURDAY, 13) == [date(2020, 1, 1)]
    assert lake.days("bookings") == lake.days("coverage") == []


class StubbornLake(Lake):
    """A lake on a disk that reports a deletion but does not delete."""

    def delete(self, dataset: Dataset, day: date) -> None:
        pass


def test_retention_that_did_not_happen_is_an_error(tmp_path: Path) -> None:
    lake = StubbornLake(tmp_path / "lake", "EU")
    lake.replace("bookings", date(2020, 1, 1), stored())
    with pytest.raises(LakeError, match="2020-01-01 is past its retention"):
        retain(lake, SATURDAY, 13)


@pytest.mark.parametrize("after", range(5))
def test_a_killed_retention_leaves_no_day_that_was_read_without_its_bookings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    lake = Lake(tmp_path / "lake", "EU")
    night(lake, *(booking("a", day) for day in DAYS), loaded={"a": FIRST_NIGHT})
    with power_cut(monkeypatch, after):
        retain(lake, SATURDAY + timedelta(days=400), 1)
    assert not lake.days_lost()


class PowerCut(BaseException):
    """Simulates a process that ends between two writes."""


@contextmanager
def power_cut(monkeypatch: pytest.MonkeyPatch, after: int) -> Iterator[None]:
    """Raise before the n-th step on the disk, if there is one."""
    steps = itertools.count()

    def cut(step: Callable[..., Any]) -> Callable[..., Any]:
        def either(*arguments: Any) -> Any:
            if next(steps) >= after:
                raise PowerCut
            return step(*arguments)

        return either

    with monkeypatch.context() as patch, suppress(PowerCut):
        for name in ("put", "move", "delete"):
            patch.setattr(DiskStorage, name, cut(getattr(DiskStorage, name)))
        yield


@pytest.mark.parametrize("after", range(22))
def test_a_night_counts_whole_or_not_at_all_wherever_it_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    lake = Lake(tmp_path / "lake", "EU")
    night(lake, booking("a", SATURDAY, 8), loaded={"a": FIRST_NIGHT})
    rows = [booking("a", day) for day in DAYS]
    before, whole = lake_of(lake), [("a", True, SECOND_NIGHT, None)]
    with power_cut(monkeypatch, after):
        night(lake, *rows, loaded={"a": SECOND_NIGHT})
    for day in DAYS:  # as a reader would meanwhile
        is_new = facts(lake.read("coverage", day)) == whole
        assert not is_new or facts(lake.read("bookings", day)) == facts(
            stored(rows[DAYS.index(day)])
        )
    with Lake(lake.root, "EU").exclusive():
        found = lake_of(lake)
    night(lake, *rows, loaded={"a": SECOND_NIGHT})
    assert found in (before, lake_of(lake))
    assert not (root_of(lake) / ".ready").exists()


def lake_of(lake: Lake) -> list[Any]:
    return [facts(lake.read(dataset, day)) for day in DAYS for dataset in DATASETS]
