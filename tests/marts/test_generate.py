"""Generated lakes keep the contract, are the same for the same seed, and are published exactly."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow.compute as pc
from click.testing import CliRunner

from benchmarks.generate import Plan, bookings_of, generate, main, room_directory
from transforms.contract.lake import BOOKINGS
from warehouse import connect
from warehouse.lake import Lake
from warehouse.publish import PublishOptions, publish

TODAY = date(2026, 11, 18)
PLAN = Plan("EU", 60, TODAY - timedelta(days=3), TODAY + timedelta(days=1), TODAY, seed=3)


def test_the_same_seed_gives_the_same_bookings_and_another_one_others() -> None:
    rooms = room_directory(PLAN)
    other = Plan("EU", 60, PLAN.first_date, PLAN.last_date, TODAY, seed=4)
    first = bookings_of(PLAN, rooms, TODAY)
    assert first.schema.equals(BOOKINGS, check_metadata=True)
    assert first == bookings_of(PLAN, rooms, TODAY)
    assert first != bookings_of(other, rooms, TODAY)


def test_an_invented_lake_publishes(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake", "EU")
    made = generate(lake, PLAN)
    now = datetime(2026, 11, 18, 3, tzinfo=UTC)
    published = publish(lake, tmp_path / "warehouse", PublishOptions(), now)
    assert made > published.rows["bookings"] > 500
    assert published.data_through == TODAY - timedelta(days=1)
    database = connect("EU", warehouse=tmp_path / "warehouse")
    asked = "SELECT sum(booked_minutes) / sum(open_minutes) FROM room_days"
    (used,) = database.execute(asked).fetchall()[0]
    database.close()
    assert 0.3 < used < 0.9


def test_most_bookings_stand_alone_and_some_share_a_minute() -> None:
    day = bookings_of(PLAN, room_directory(PLAN), TODAY)
    assert {"booked", "held", "cancelled", "not_booked"} == set(day["status"].to_pylist())
    assert pc.mean(day["is_all_day"]).as_py() < 0.05


def test_the_command_says_what_it_made(tmp_path: Path) -> None:
    asked = [str(tmp_path / "lake"), "--rooms", "2", "--months", "1", "--ahead-days", "0"]
    result = CliRunner().invoke(main, [*asked, "--region", "NA"])
    assert result.exit_code == 0, result.output
    assert "2 rooms, 31 days" in result.output
    assert Lake(tmp_path / "lake", "NA").days("bookings")
