"""The calendar of the marts, for every time zone."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from transforms.local_time import day_start, parse_open_hours, zone, zone_names
from warehouse.calendar import Profile, calendar_rows, phase_minutes, zone_clock

# A change of the clock in Europe, in Lord Howe (30 minutes), in Chile (at midnight).
FIRST_DATES = (date(2026, 3, 28), date(2026, 10, 3), date(2026, 9, 5))


@pytest.mark.parametrize("first", FIRST_DATES)
def test_every_minute_of_a_date_is_in_the_calendar_once_in_every_zone(first: date) -> None:
    days = [first + timedelta(days=offset) for offset in range(3)]
    for name in sorted(zone_names()):
        hours = parse_open_hours("Mon-Sun 00:00-24:00")
        profile = Profile(name, hours, None, None, ())
        clock = zone_clock(name, phase_minutes(name, first), days[0], days[-1])
        rows = calendar_rows([profile], {name: clock}, days[0], days[-1])
        bits = np.bitwise_count(rows["part_mask"].to_numpy())
        found = rows["local_date"].to_numpy().astype("datetime64[D]")
        for day in days:
            starts, ends = (day_start(d, zone(name)) for d in (day, day + timedelta(days=1)))
            minutes = (ends - starts) // timedelta(minutes=1)
            assert bits[found == np.datetime64(day)].sum() == minutes, (name, day)
        assert rows["open_mask"] == rows["part_mask"], name


def test_a_cell_that_a_clock_change_cuts_has_a_row_for_each_local_hour() -> None:
    name, day = "Australia/Lord_Howe", date(2026, 10, 4)
    profile = Profile(name, parse_open_hours("Sun 02:00-03:00"), None, None, ())
    clock = zone_clock(name, 0, day, day)
    rows = calendar_rows([profile], {name: clock}, day, day).to_pylist()
    split = [row for row in rows if row["is_split"] and row["local_hour"] in (1, 2)]
    # 02:00 becomes 02:30 at 15:30 UTC: only 02:30 to 03:00 is left of the hour.
    assert sum(row["open_mask"].bit_count() for row in split) == 30
    change = datetime(2026, 10, 3, 15, 30, tzinfo=UTC)
    cell = (change - datetime(1, 1, 1, tzinfo=UTC)) // timedelta(hours=1)
    assert {row["local_hour"] for row in split if row["cell"] == cell} == {1, 2}
