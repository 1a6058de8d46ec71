"""The simulated Graph over HTTP: its answers, its refusals and its deliberate faults."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from pipelines.sandbox.calendars import generated_tenant
from pipelines.sandbox.faults import Fault
from pipelines.sandbox.model import CLIENT_ID, CLIENT_SECRET, TENANT_ID, Item, Tenant
from pipelines.sandbox.server import SandboxExchange
from tests.conftest import StartExchange
from tests.sandbox.rooms import ANN, DAY, HOUR, MONDAY, NINE, OTHER_ROOM, ROOM, rich_meeting
from tests.sandbox.rooms import tenant as tenant_of

UTC_ONLY = {"Prefer": 'outlook.timezone="UTC"'}


class App:
    """A client that signs in with the secret and sends requests."""

    def __init__(self, server: SandboxExchange) -> None:
        self.server = server
        self.session = requests.Session()
        self.session.trust_env = False  # trust only the CA file
        self.session.verify = str(server.authority.ca_file)

    def sign_in(self, **changes: str) -> requests.Response:
        form = {
            "grant_type": "client_credentials",
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "scope": f"{self.server.base_url}/.default",
        }
        path = f"{self.server.base_url}/{TENANT_ID}/oauth2/v2.0/token"
        answer = self.session.post(path, data=form | changes)
        if answer.ok:
            self.session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return answer

    def get(self, path: str, **options: Any) -> requests.Response:
        url = path if path.startswith("https") else f"{self.server.base_url}{path}"
        return self.session.get(url, params=options or None, headers=UTC_ONLY)

    def view(self, room: str = ROOM, /, **options: Any) -> requests.Response:
        window = {"startDateTime": _written(MONDAY), "endDateTime": _written(MONDAY + DAY)}
        return self.get(f"/v1.0/users/{room}/calendar/calendarView", **window | options)


def _written(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")


@pytest.fixture
def held() -> Tenant:
    return tenant_of(
        *(Item(NINE + each * HOUR, NINE + (each + 1) * HOUR, ANN) for each in range(4))
    )


@pytest.fixture
def app(exchange: StartExchange, held: Tenant) -> Iterator[App]:
    """An app that is signed in."""
    client = App(exchange(held))
    with client.session:
        assert client.sign_in().ok
        yield client


def test_an_event_has_the_properties_of_graphs_resource(app: App, held: Tenant) -> None:
    held.mailboxes[ROOM].list[:] = [rich_meeting()]
    (event,) = app.view().json()["value"]
    assert event["start"] == {"dateTime": "2026-11-23T09:00:00.0000000", "timeZone": "UTC"}
    assert event["createdDateTime"] == "2026-11-20T09:00:00.0000000Z"
    assert (event["type"], event["showAs"], event["sensitivity"]) == (
        *("exception", "tentative", "private"),
    )
    assert event["responseStatus"]["response"] == "tentativelyAccepted"
    assert (event["isCancelled"], event["isAllDay"], event["isOnlineMeeting"]) == (
        *(True, False, True),
    )
    assert event["organizer"]["emailAddress"]["address"].startswith("/O=EXCH")
    assert [each["type"] for each in event["attendees"]] == [
        *("required", "required", "optional", "resource"),
    ]
    assert all("mailboxType" not in str(each) for each in event["attendees"])


def test_an_all_day_event_is_midnight_to_midnight_of_the_organizers_dates(
    app: App, held: Tenant
) -> None:
    midnight_in_tokyo = MONDAY - timedelta(hours=9)
    held.mailboxes[ROOM].list[:] = [
        Item(
            midnight_in_tokyo,
            midnight_in_tokyo + DAY,
            ANN,
            is_all_day=True,
            start_time_zone="Tokyo Standard Time",
        )
    ]
    (event,) = app.view().json()["value"]
    assert event["start"]["dateTime"] == "2026-11-23T00:00:00.0000000"
    assert event["end"]["dateTime"] == "2026-11-24T00:00:00.0000000"


def test_pages_are_linked_until_the_last(app: App) -> None:
    sizes, url = [], ""
    page = app.view(**{"$top": 3}).json()
    while True:
        sizes.append(len(page["value"]))
        url = page.get("@odata.nextLink", "")
        if not url:
            break
        page = app.get(url).json()
    assert sizes == [3, 1]


def test_ten_events_are_a_page_unless_more_are_asked_for(app: App, held: Tenant) -> None:
    held.mailboxes[ROOM].list[:] = [Item(NINE, NINE + HOUR, ANN) for _ in range(11)]
    assert len(app.view().json()["value"]) == 10


def test_what_is_selected_comes_but_never_the_creation(app: App) -> None:
    page = app.view(**{"$select": "id,subject,createdDateTime"}).json()
    assert {name for event in page["value"] for name in event} == {"@odata.etag", "id", "subject"}


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"$top": 1001}, "ErrorInvalidUrlQuery"),
        ({"$top": "many"}, "ErrorInvalidParameter"),
        ({"endDateTime": "2036-01-01T00:00:00Z"}, "ErrorCalendarViewRangeTooBig"),
    ],
)
def test_a_query_that_graph_does_not_take_is_refused(
    app: App, options: dict[str, Any], code: str
) -> None:
    answer = app.view(**options)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


def test_an_unknown_mailbox_and_one_out_of_scope_are_told_apart(app: App, held: Tenant) -> None:
    held.app.calendars = {ROOM}
    found = [app.view(room) for room in (ROOM, OTHER_ROOM, "nobody@contoso.example")]
    assert [each.status_code for each in found] == [200, 403, 404]
    assert [each.json()["error"]["code"] for each in found[1:]] == [
        *("ErrorAccessDenied", "ErrorInvalidUser"),
    ]


def test_without_a_good_token_nothing_is_told(app: App, held: Tenant) -> None:
    held.bearer_tokens.clear()
    answer = app.view()
    assert (answer.status_code, answer.json()["error"]["code"]) == (
        *(401, "InvalidAuthenticationToken"),
    )
    assert "WWW-Authenticate" in answer.headers


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "other"}, 400, "unauthorized_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"scope": "mail"}, 400, "invalid_scope"),
    ],
)
def test_the_sign_in_service_refuses_in_oauths_words(
    app: App, changes: dict[str, str], status: int, error: str
) -> None:
    answer = app.sign_in(**changes)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_a_token_of_the_sign_in_service_is_new_each_time(app: App) -> None:
    assert app.sign_in().json()["access_token"] != app.sign_in().json()["access_token"]


def test_too_many_at_once_are_throttled_with_a_wait(app: App, held: Tenant) -> None:
    held.faults.add(Fault("too_many_at_once", limit=0, retry_after="5"))
    answer = app.view()
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "5")
    assert answer.json()["error"]["code"] == "ApplicationThrottled"


def test_places_come_in_pages_with_what_an_admin_filled_in(exchange: StartExchange) -> None:
    tenant = generated_tenant("EU", rooms=12, now=datetime(2026, 11, 22, tzinfo=UTC))
    client = App(exchange(tenant))
    with client.session:
        client.sign_in()
        page = client.get("/v1.0/places/microsoft.graph.room", **{"$top": 10}).json()
        rest = client.get(page["@odata.nextLink"]).json()
    rooms = [*page["value"], *rest["value"]]
    assert (len(page["value"]), len(rooms)) == (10, 12)
    assert "@odata.nextLink" not in rest
    by_address = {room["emailAddress"]: room for room in rooms}
    for mailbox in tenant.mailboxes.values():
        if mailbox.is_room:
            room = by_address[mailbox.address]
            assert room["building"] == mailbox.directory["building"]
            assert str(room["capacity"] or "") == mailbox.directory["capacity"]


def test_what_is_neither_ews_nor_graph_is_not_found(app: App) -> None:
    assert app.get("/v1.0/me/messages").status_code == 404
    assert app.get("/").status_code == 404
