"""Unmodified exchangelib reads the sandbox, and meets its known pitfalls there."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import exchangelib
import pytest
from exchangelib.errors import ErrorAccessDenied, ErrorExceededFindCountLimit
from exchangelib.folders import Calendar, Root, SingleFolderQuerySet
from exchangelib.items import CalendarItem
from exchangelib.properties import DistinguishedFolderId
from exchangelib.protocol import CachingProtocol

from pipelines.sandbox.calendars import generated_tenant
from pipelines.sandbox.model import Item, Mailbox, Person
from pipelines.sandbox.server import SandboxExchange
from tests.conftest import StartExchange
from tests.sandbox.rooms import ANN, DAY, HOUR, MONDAY, NINE, ROOM, WINDOWS_ZONES, meeting, tenant

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


@contextmanager
def account(
    server: SandboxExchange, address: str, access: str = exchangelib.IMPERSONATION
) -> Iterator[exchangelib.Account]:
    """Open an account as any user of exchangelib would; REQUESTS_CA_BUNDLE names the CA."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REQUESTS_CA_BUNDLE", str(server.authority.ca_file))
        configuration = exchangelib.Configuration(
            service_endpoint=server.url,
            credentials=exchangelib.Credentials(server.tenant.account, server.tenant.password),
            auth_type=exchangelib.BASIC,
            version=exchangelib.Version(exchangelib.version.EXCHANGE_2019),
        )
        opened = exchangelib.Account(
            address,
            config=configuration,
            autodiscover=False,
            access_type=access,
            default_timezone=exchangelib.UTC,
        )
        try:
            yield opened
        finally:
            opened.protocol.close()
            CachingProtocol.clear_cache()


def view(opened: exchangelib.Account, start: datetime, end: datetime) -> list[CalendarItem]:
    found = list(opened.calendar.view(start=start, end=end))
    return [item for item in found if isinstance(item, CalendarItem)]


@pytest.mark.parametrize(("region", "number"), [("EU", 9), ("EU", 3), ("NA", 4), ("NA", 14)])
def test_exchangelib_reads_exactly_what_a_generated_room_holds(
    exchange: StartExchange, region: str, number: int
) -> None:
    held = generated_tenant("EU" if region == "EU" else "NA", rooms=number + 1, now=NOW)
    room = list(held.mailboxes.values())[number]
    start, end = NOW - timedelta(days=45), NOW + timedelta(days=20)
    expected = list(room.items(start, end))
    with account(exchange(held), room.address) as opened:
        got = view(opened, start, end)
    assert sorted(map(of_exchangelib, got)) == sorted(map(of_model, expected))
    assert len(got) > 20


def of_model(item: Item) -> tuple[object, ...]:
    return (
        str(item.starts_at),
        item.subject or item.organizer.name,
        *_times(item),
        item.is_all_day,
        item.is_cancelled,
        item.series_id or "",
        item.item_type,
        item.free_busy,
        item.my_response,
        item.sensitivity,
        item.location,
        item.is_online,
        str(item.created_at),
        item.organizer.address,
        [person.address for person in item.required],
        [person.mailbox_type for person in item.required],
        [person.address for person in item.optional],
        [person.address for person in item.resources],
    )


def _times(item: Item) -> tuple[str, str]:
    """Return times as exchangelib gives them; all-day: first and last date in organizer's zone."""
    if not item.is_all_day:
        return str(item.starts_at), str(item.ends_at)
    zone = ZoneInfo(WINDOWS_ZONES[item.start_time_zone])
    last = item.ends_at.astimezone(zone) - timedelta(days=1)
    return str(item.starts_at.astimezone(zone).date()), str(last.date())


def of_exchangelib(item: CalendarItem) -> tuple[object, ...]:
    return (
        str(item.start if not item.is_all_day else _midnight(item)),
        item.subject,
        str(item.start),
        str(item.end),
        item.is_all_day,
        item.is_cancelled,
        item.uid if item.type != "Single" else "",
        item.type,
        item.legacy_free_busy_status,
        item.my_response_type,
        item.sensitivity,
        item.location,
        item.is_online_meeting,
        str(item.datetime_created),
        item.organizer.email_address,
        [each.mailbox.email_address for each in item.required_attendees or ()],
        [each.mailbox.mailbox_type for each in item.required_attendees or ()],
        [each.mailbox.email_address for each in item.optional_attendees or ()],
        [each.mailbox.email_address for each in item.resources or ()],
    )


def _midnight(item: CalendarItem) -> datetime:
    zone = ZoneInfo(str(item._start_timezone.key))
    return datetime(item.start.year, item.start.month, item.start.day, tzinfo=zone).astimezone(UTC)


def test_exchangelib_is_refused_a_crowded_view(exchange: StartExchange) -> None:
    items = [meeting(MONDAY + number * timedelta(minutes=1)) for number in range(1001)]
    with (
        account(exchange(tenant(*items)), ROOM) as opened,
        pytest.raises(ErrorExceededFindCountLimit),
    ):
        view(opened, MONDAY, MONDAY + DAY)


def test_a_reviewer_cannot_reach_the_calendar_through_the_root(exchange: StartExchange) -> None:
    with (
        account(exchange(tenant(meeting())), ROOM, exchangelib.DELEGATE) as opened,
        pytest.raises(ErrorAccessDenied),
    ):
        view(opened, MONDAY, MONDAY + DAY)


def test_resolving_a_rooms_calendar_as_a_delegate_reads_the_accounts_own(
    exchange: StartExchange,
) -> None:
    held = tenant(meeting())
    own = Person("Own", held.account)
    held.add(Mailbox(held.account, items=[Item(NINE, NINE + HOUR, own)], is_room=False))
    room = exchangelib.Mailbox(email_address=ROOM)
    with account(exchange(held), held.account, exchangelib.DELEGATE) as opened:
        unresolved = Calendar(
            root=Root(account=opened),
            _distinguished_id=DistinguishedFolderId(id="calendar", mailbox=room),
        )
        resolved = SingleFolderQuerySet(account=opened, folder=unresolved).resolve()
        safe, trap = (
            [item.subject for item in each.view(start=MONDAY, end=MONDAY + DAY).only("subject")]
            for each in (unresolved, resolved)
        )
    assert (safe, trap) == ([ANN.name], ["Own"])


def test_a_garbage_time_zone_aborts_exchangelibs_whole_view(exchange: StartExchange) -> None:
    garbage = Item(NINE, NINE + HOUR, Person("A", "a@contoso.example"), is_all_day=True,
                   start_time_zone="tzone://Microsoft/Custom")  # fmt: skip
    with (
        account(exchange(tenant(meeting(), garbage)), ROOM) as opened,
        pytest.raises(ValueError, match="Custom"),
    ):
        view(opened, MONDAY, MONDAY + DAY)
