"""The two protocols differ as ``docs/graph.md`` says: one test for each difference it lists."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from pipelines.sandbox.model import Item, Tenant
from pipelines.sandbox.server import SandboxExchange
from pipelines.sandbox.wire import CertificateAuthority
from tests.parity.both_ways import BothWays, both_ways
from tests.parity.calendars import ANN, LISTS

MONDAY = date(2026, 10, 19)
NINE = datetime(2026, 10, 19, 9, tzinfo=UTC)
COPENHAGEN = "Europe/Copenhagen"
MEETING = Item(NINE, NINE + timedelta(hours=1), ANN, required=(ANN,), created_at=NINE)


@pytest.fixture(scope="module")
def held(authority: CertificateAuthority) -> Iterator[BothWays]:
    """A room whose calendar each test sets."""
    with SandboxExchange(Tenant(), authority) as server, both_ways(server) as ways:
        yield ways


def all_day(day: date, zone: str, windows_zone: str) -> Item:
    first, after = (
        datetime.combine(each, time(), ZoneInfo(zone)) for each in (day, day + timedelta(days=1))
    )
    return replace(
        MEETING, starts_at=first, ends_at=after, is_all_day=True, start_time_zone=windows_zone
    )


def test_a_distribution_list_looks_like_a_person_to_graph(held: BothWays) -> None:
    held.hold([replace(MEETING, required=(ANN, LISTS[0]))])
    (ews,), (graph,) = held.rows(MONDAY, MONDAY, COPENHAGEN)
    assert ews["invited_headcount"] == graph["invited_headcount"] == 2
    assert ews["headcount_is_lower_bound"] is True
    assert graph["headcount_is_lower_bound"] is False


def test_r6_graph_states_the_dates_of_an_organizer_half_the_world_away(held: BothWays) -> None:
    held.hold([all_day(MONDAY, "Pacific/Auckland", "New Zealand Standard Time")])
    window = MONDAY - timedelta(days=1), MONDAY + timedelta(days=1)
    (ews,), (graph,) = held.rows(*window, "America/New_York")
    midnight = datetime.combine(MONDAY, time(), ZoneInfo("America/New_York"))
    assert graph["starts_at"] == midnight
    assert ews["starts_at"] == midnight - timedelta(days=1)


@pytest.mark.parametrize("room_zone", ["Pacific/Auckland", "Pacific/Honolulu", "Asia/Kolkata"])
def test_r6_the_dates_that_graph_states_are_the_rooms_in_every_zone(
    held: BothWays, room_zone: str
) -> None:
    held.hold([all_day(MONDAY, room_zone, room_zone)])
    (ews,), (graph,) = held.rows(MONDAY, MONDAY, room_zone)
    assert graph == ews
    assert graph["starts_at"] == datetime.combine(MONDAY, time(), ZoneInfo(room_zone))


def test_ews_may_leave_out_whether_a_meeting_is_online(held: BothWays) -> None:
    held.hold([replace(MEETING, is_online=None)])
    (ews,), (graph,) = held.rows(MONDAY, MONDAY, COPENHAGEN)
    assert (ews["is_online"], graph["is_online"]) == (None, False)


def test_the_page_on_graph_lists_each_difference() -> None:
    page = (Path(__file__).parents[2] / "docs/graph.md").read_text(encoding="utf-8")
    listed = page.partition("## Where the rows differ")[2]
    for column in ("headcount_is_lower_bound", "starts_at", "created_at", "is_online"):
        assert f"`{column}`" in listed
