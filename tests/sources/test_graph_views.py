"""Calendar views over Graph: complete or an error, without duplicates, of one mailbox."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import requests

from pipelines.sandbox.faults import Fault, Kind
from pipelines.sandbox.model import Mailbox, Person, Tenant
from pipelines.sources import Reach, Window
from pipelines.sources.wire import TimedAdapter
from tests.conftest import StartExchange
from tests.sources.conftest import ANN, HOUR, MONDAY, OTHER_ROOM, ROOM, meeting, meetings, refused
from tests.sources.conftest import room as tenant_of
from tests.sources.graph_kit import OpenGraph, ReadGraph, open_graph, read_graph

__all__ = ["open_graph", "read_graph"]

QUARTER = timedelta(minutes=1)
QUARTERS = Window(MONDAY, MONDAY + timedelta(days=3))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[requests.PreparedRequest]]:
    """Every request that the sources send in this test."""
    sent: list[requests.PreparedRequest] = []
    send = TimedAdapter.send

    def spy(self: TimedAdapter, request: requests.PreparedRequest, **how: object) -> object:
        sent.append(request)
        return send(self, request, **how)  # type: ignore[arg-type]  # passed on as it is

    monkeypatch.setattr(TimedAdapter, "send", spy)
    return iter([sent])


def test_a_view_of_several_pages_comes_whole(read_graph: ReadGraph) -> None:
    tenant = tenant_of(meetings(2_345, apart=QUARTER))
    items = read_graph(tenant, QUARTERS)
    assert len({item.starts_at for item in items}) == 2_345
    assert [entry.count for entry in tenant.log if entry.operation == "CalendarView"] == [
        *(1000, 1000, 345),
        *(1000, 1000, 345),  # the second reading shows that nothing moved between two pages
    ]


def test_every_page_is_asked_for_in_utc(
    read_graph: ReadGraph, asked: Iterator[list[requests.PreparedRequest]]
) -> None:
    sent = next(asked)
    read_graph(tenant_of(meetings(1_200, apart=QUARTER)), QUARTERS)
    views = [each for each in sent if "calendarView" in (each.url or "")]
    assert len(views) == 2 * 2
    assert {each.headers["Prefer"] for each in views} == {'outlook.timezone="UTC"'}
    assert all("select" not in (each.url or "") for each in views)  # the creation time is needed


def test_without_invitees_no_field_of_a_person_is_asked_for(
    read_graph: ReadGraph, asked: Iterator[list[requests.PreparedRequest]]
) -> None:
    sent = next(asked)
    (item,) = read_graph(tenant_of([meeting(required=(ANN,))]), with_invitees=False)
    assert (item.invitees, item.created_at) == (None, None)
    (view,) = [each.url or "" for each in sent if "calendarView" in (each.url or "")]
    selected = view.partition("$select=")[2].split(",")
    assert selected
    assert not {"attendees", "organizer", "subject", "body", "location"} & set(selected)


def test_a_window_longer_than_graph_answers_is_asked_for_in_parts(read_graph: ReadGraph) -> None:
    years = timedelta(days=365)
    seam = MONDAY - 10 * years + timedelta(days=1800)
    starts = [MONDAY - 10 * years, seam - timedelta(seconds=1), seam, MONDAY - HOUR]
    tenant = tenant_of([meeting(start, timedelta(0)) for start in starts])
    items = read_graph(tenant, Window(MONDAY - 10 * years, MONDAY))
    assert sorted(item.starts_at for item in items) == sorted(starts)


@pytest.mark.parametrize("kind", ["shuffle", "duplicates", "inclusive_edges"])
def test_no_item_comes_twice_or_is_lost_however_a_view_is_ordered(
    read_graph: ReadGraph, kind: Kind
) -> None:
    tenant = tenant_of(meetings(1_500, apart=QUARTER))
    tenant.faults.add(Fault(kind))
    items = read_graph(tenant, QUARTERS)
    assert sorted({item.starts_at for item in items}) == sorted(item.starts_at for item in items)
    assert len(items) == 1_500


def test_a_link_that_leads_in_a_circle_fails_the_room(read_graph: ReadGraph) -> None:
    tenant = tenant_of(meetings(1_200, apart=QUARTER))
    tenant.faults.add(Fault("repeated_link", after=1))
    tenant.faults.add(Fault("repeated_link"))
    assert refused(lambda: read_graph(tenant, QUARTERS)) == ("RepeatedPage", Reach.ROOM)


def test_a_link_to_another_host_is_not_followed(read_graph: ReadGraph) -> None:
    tenant = tenant_of(meetings(3))
    tenant.faults.add(Fault("foreign_link"))
    assert refused(lambda: read_graph(tenant)) == ("OtherHost", Reach.ROOM)


def test_only_the_mailbox_named_is_read(exchange: StartExchange, open_graph: OpenGraph) -> None:
    rooms = [
        Mailbox(ROOM, items=[meeting(required=(Person("A", "a@contoso.example"),))]),
        Mailbox(OTHER_ROOM, items=meetings(5)),
    ]
    tenant = Tenant(rooms)
    source = open_graph(exchange(tenant))
    (item,) = source.read(ROOM.upper(), Window(MONDAY, MONDAY + timedelta(days=7)))
    assert [each.address for each in item.invitees or ()] == [ANN.address, "a@contoso.example"]
    assert {entry.mailbox for entry in tenant.log if entry.mailbox} == {ROOM}


def test_an_address_is_quoted_in_the_path(exchange: StartExchange, open_graph: OpenGraph) -> None:
    address = "o'hara/2?x=#%@contoso.example"
    tenant = Tenant([Mailbox(address, items=meetings(2))])
    source = open_graph(exchange(tenant))
    assert len(source.read(address, Window(MONDAY, MONDAY + timedelta(days=7)))) == 2
