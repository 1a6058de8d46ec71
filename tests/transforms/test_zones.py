"""Time zones: the tzdata package alone, and the instants at which local dates begin."""

import shutil
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.local_time import day_start, local_date, zone, zone_names

ZONES = (
    "Europe/Copenhagen",
    "America/New_York",
    "America/Havana",
    "America/St_Johns",
    "Africa/Cairo",
    "Asia/Beirut",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "America/Nuuk",
    "America/Asuncion",
)

_PROGRAM = """
from zoneinfo import ZoneInfo
stale = ZoneInfo("Europe/Copenhagen")
from datetime import datetime
from transforms.local_time import zone
noon = datetime(2026, 1, 1, 12)
for made in (stale, zone("Europe/Copenhagen")):
    print(noon.replace(tzinfo=made).utcoffset())
"""


def test_r1_zones_come_from_the_tzdata_package_and_not_from_the_operating_system(
    tmp_path: Path,
) -> None:
    (tmp_path / "Europe").mkdir()
    with resources.as_file(resources.files("tzdata.zoneinfo").joinpath("UTC")) as wrong:
        shutil.copy(wrong, tmp_path / "Europe" / "Copenhagen")
    printed = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        env={"PYTHONTZPATH": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert printed.stdout.split() == ["0:00:00", "1:00:00"]


@pytest.mark.parametrize("name", ["", "Factory", "europe/copenhagen", "Mars/Base", "../x", "CET+1"])
def test_r1_what_is_no_iana_zone_is_refused_and_never_taken_as_utc(name: str) -> None:
    assert name not in zone_names()
    with pytest.raises(ValueError, match="not an IANA time zone"):
        zone(name)


def test_a_local_date_is_the_date_on_the_local_clock() -> None:
    instant = datetime(2026, 3, 1, 20, 0, tzinfo=UTC)
    assert local_date(instant, zone("Asia/Kolkata")) == date(2026, 3, 2)
    assert local_date(instant, zone("America/New_York")) == date(2026, 3, 1)


@pytest.mark.parametrize(
    ("name", "on", "starts_at"),
    [
        pytest.param(
            "Europe/Copenhagen", date(2026, 7, 1), datetime(2026, 6, 30, 22, tzinfo=UTC), id="plain"
        ),
        pytest.param(
            "Asia/Kolkata", date(2026, 7, 1), datetime(2026, 6, 30, 18, 30, tzinfo=UTC), id="half"
        ),
        pytest.param(
            "Asia/Beirut", date(2026, 3, 29), datetime(2026, 3, 28, 22, tzinfo=UTC), id="skipped"
        ),
        pytest.param(
            "America/Havana", date(2026, 11, 1), datetime(2026, 11, 1, 4, tzinfo=UTC), id="twice"
        ),
        pytest.param(
            "America/Toronto",
            date(1919, 3, 31),
            datetime(1919, 3, 31, 4, 30, tzinfo=UTC),
            id="skipped from the evening before",
        ),
        pytest.param(
            "Pacific/Apia",
            date(2011, 12, 30),
            datetime(2011, 12, 30, 10, tzinfo=UTC),
            id="a date that never was",
        ),
    ],
)
def test_a_day_starts_at_the_first_instant_of_its_date(
    name: str, on: date, starts_at: datetime
) -> None:
    assert day_start(on, zone(name)) == starts_at


@settings(deadline=None, max_examples=200)
@given(name=st.sampled_from(ZONES), on=st.dates(date(2012, 1, 1), date(2037, 12, 31)))
def test_no_earlier_second_than_the_day_start_has_that_date(name: str, on: date) -> None:
    starts_at = day_start(on, zone(name))
    assert local_date(starts_at, zone(name)) == on
    assert local_date(starts_at - timedelta(seconds=1), zone(name)) == on - timedelta(days=1)
