"""A build holds in memory what it needs, when it needs it."""

import ctypes
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.marts.scenario import Room, book, days_from, publish_scenario, scenario
from warehouse.build import Build, give_back
from warehouse.engine import Engine, building
from warehouse.profiles import count_bookings
from warehouse.profiles.remembered import LABEL, REMEMBERED_ROWS, LastVersion, labelled, numbered

_PLACES = """
CREATE TEMP TABLE directory AS
SELECT 'room-' || n AS room_id, 'Oslo' AS site, 'Building ' || n AS building,
       '1' AS capacity_band, DATE '0001-01-01' AS valid_from, DATE '9999-12-31' AS valid_to
FROM range(2000) AS r(n);
CREATE TEMP TABLE dates AS
SELECT CAST(t AS DATE) AS local_date
FROM range(TIMESTAMP '2025-01-01', TIMESTAMP '2026-01-01', INTERVAL 1 MONTH) AS r(t);
CREATE TEMP TABLE settings AS
SELECT DATE '2025-01-01' AS profile_from_date, DATE '2026-02-01' AS profile_before_date,
       DATE '2026-01-31' AS through_date, false AS count_held_as_booked;
"""
_BOOKINGS = """
INSERT INTO bookings
SELECT 'EU', d.room_id, t.local_date, t.local_date + to_minutes([10, 30, 60, 90, 200, 400][n + 1]),
       false, false, false, 'single', 'busy', 'accept', 'booked', [1, 2, 3, 5, 8, 12][n + 1],
       false, n % 2 = 0, false, t.local_date - to_hours([0, 1, 10, 100, 400, 1000][n + 1]),
       t.local_date, t.local_date
FROM dates AS t
CROSS JOIN directory AS d
CROSS JOIN range(6) AS r(n)
"""


def test_bookings_of_more_places_and_months_than_memory_holds_groups_of_are_counted(
    tmp_path: Path,
) -> None:
    with building(tmp_path / "made.duckdb", 2, "50MB") as engine:
        engine.rows(_PLACES)
        engine.rows(_BOOKINGS)
        count_bookings(engine)
        counted = engine.rows(
            "SELECT measure, count(*), sum(bookings) FROM profile_counts GROUP BY ALL ORDER BY ALL"
        )
    bands = {"duration": 6, "external": 2, "headcount": 6, "kind": 1, "lead_time": 6}
    assert counted == [
        (measure, 2_000 * 12 * number, 2_000 * 12 * 6) for measure, number in bands.items()
    ]


def limit_of(engine: Engine) -> str:
    ((limit,),) = engine.rows("SELECT current_setting('memory_limit')")
    return str(limit)


def test_while_profiles_are_made_the_engine_has_a_quarter_of_its_memory(tmp_path: Path) -> None:
    with building(tmp_path / "made.duckdb", 1, "800MB") as engine, engine.transaction():
        whole = limit_of(engine)
        with engine.less_memory():
            assert limit_of(engine) == "190.7 MiB"
        assert limit_of(engine) == whole


def test_no_step_of_sql_has_to_do_with_less_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits: set[str] = set()
    run = Engine.run

    def noted(engine: Engine, step: str, **rest: Any) -> None:
        limits.add(limit_of(engine))
        run(engine, step, **rest)

    monkeypatch.setattr(Engine, "run", noted)
    room, monday = Room("fjord"), date(2026, 10, 19)
    week = scenario((room,), [book(room, monday, "09:00", "10:30")], days_from(monday, 7))
    publish_scenario(tmp_path, week).close()
    assert len(limits) == 1


def test_an_engine_that_cannot_do_with_less_memory_goes_on_with_what_it_has(tmp_path: Path) -> None:
    with building(tmp_path / "made.duckdb", 1, "800MB") as engine, engine.transaction():
        whole, limit = limit_of(engine), engine._memory_limit
        engine.load("numbers", pa.table({"number": range(100_000)}))
        engine._memory_limit = 4
        with engine.less_memory():
            engine._memory_limit = limit
            assert limit_of(engine) == whole
            assert engine.rows("SELECT count(*) FROM numbers") == [(100_000,)]


def test_what_the_last_version_remembers_is_read_when_all_passes_are_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    run = Build.run

    def passes(build: Build, *arguments: Any) -> None:
        run(build, *arguments)
        order.append("passes")

    def shown_since(_: LastVersion, first: date) -> pa.Table:
        order.append(f"what was shown since {first}")
        return REMEMBERED_ROWS.empty_table()

    monkeypatch.setattr(Build, "run", passes)
    monkeypatch.setattr(LastVersion, "shown_since", shown_since)
    room, monday = Room("fjord"), date(2026, 10, 19)
    week = scenario((room,), [book(room, monday, "09:00", "10:30")], days_from(monday, 7))
    publish_scenario(tmp_path, week).close()
    assert order == ["passes", f"what was shown since {week.now.date() - timedelta(days=30)}"]


def test_labels_get_the_same_numbers_as_texts_and_as_dictionaries_that_say_a_text_twice() -> None:
    texts = ["b", None, "a", "b", None]
    twice = pa.DictionaryArray.from_arrays(
        pa.array([0, None, 1, 2, 3], pa.int32()), pa.array(["b", "a", "b", None])
    )
    for column in (pa.array(texts), pa.array(texts).cast(LABEL), twice):
        numbers, values = numbered(pa.chunked_array([column, column.slice(2)]))
        assert [values[at] for at in numbers] == [*texts, *texts[2:]]
        assert len(set(values)) == len(values)


def test_labelled_rows_keep_nothing_of_the_batches_that_they_came_in() -> None:
    batch = pa.record_batch({"label": ["a", "b", "a"], "number": [1, 2, 3]})
    rows = labelled(pa.RecordBatchReader.from_batches(batch.schema, [batch]))
    assert rows.to_pylist() == batch.to_pylist()
    (own,) = rows["number"].chunks
    assert own.buffers()[1].address != batch["number"].buffers()[1].address


def test_a_c_library_that_gives_nothing_back_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", str)
    give_back()
