"""Random calendars: every form that a room's copy of a meeting can take.

Belongs here: Hypothesis strategies for items.
Does not belong here: reading them.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from pipelines.sandbox.model import Item, Person
from tests.parity.both_ways import OTHER_ROOM, ROOM

FIRST = date(2026, 10, 19)
LAST = date(2026, 11, 8)  # the clocks change in this time, on both sides of the Atlantic

ANN = Person("Ann", "ann@contoso.example")
PEOPLE = (
    ANN,
    Person("Ann again", "ANN@Contoso.example"),
    Person("Ben", "ben@contoso.example"),
    Person("Gus", "gus@fabrikam.example", mailbox_type="OneOff"),
    Person("Lea", "/O=EXCH/OU=G/CN=RECIPIENTS/CN=0001-LEA", "EX", "OneOff"),
    Person("Nobody's address", ""),
    Person("Aurora", ROOM),
    Person("Basalt", OTHER_ROOM),
)
LISTS = (
    Person("Sellers", "sellers@contoso.example", mailbox_type="PublicDL"),
    Person("Team", "team@contoso.example", mailbox_type="GroupMailbox"),
    Person("Friends", "friends@fabrikam.example", mailbox_type="PrivateDL"),
)
# Windows names of organizers' zones, by the room's zone: none is 12 hours or more away.
ORGANIZERS = {
    "Europe/Copenhagen": {
        "Romance Standard Time": "Europe/Copenhagen",
        "GMT Standard Time": "Europe/London",
        "Eastern Standard Time": "America/New_York",
        "Pacific Standard Time": "America/Los_Angeles",
        "Tokyo Standard Time": "Asia/Tokyo",
        "AUS Eastern Standard Time": "Australia/Sydney",
    },
    "America/St_Johns": {
        "Newfoundland Standard Time": "America/St_Johns",
        "Pacific Standard Time": "America/Los_Angeles",
        "Hawaiian Standard Time": "Pacific/Honolulu",
        "W. Europe Standard Time": "Europe/Berlin",
    },
}

_instants = st.datetimes(
    datetime.combine(FIRST - timedelta(days=2), time()),
    datetime.combine(LAST + timedelta(days=2), time()),
    timezones=st.just(UTC),
)
_minutes = st.integers(0, 3 * 1440)


def calendars(room_zone: str, people: tuple[Person, ...] = PEOPLE) -> st.SearchStrategy[list[Item]]:
    """Return a strategy for calendars of a room in a zone; meetings invite some of these people."""
    return st.lists(st.one_of(_timed(people), _all_day(people, ORGANIZERS[room_zone])), max_size=12)


@st.composite
def _timed(draw: st.DrawFn, people: tuple[Person, ...]) -> Item:
    starts_at = draw(_instants)
    length = timedelta(minutes=draw(_minutes))
    return _item(draw, people, starts_at, starts_at + length)


@st.composite
def _all_day(draw: st.DrawFn, people: tuple[Person, ...], zones: dict[str, str]) -> Item:
    windows_zone, name = draw(st.sampled_from(sorted(zones.items())))
    first = draw(st.dates(FIRST - timedelta(days=2), LAST + timedelta(days=2)))
    after = first + timedelta(days=draw(st.integers(1, 4)))
    starts_at, ends_at = (datetime.combine(day, time(), ZoneInfo(name)) for day in (first, after))
    return _item(draw, people, starts_at, ends_at, is_all_day=True, start_time_zone=windows_zone)


def _item(
    draw: st.DrawFn,
    people: tuple[Person, ...],
    starts_at: datetime,
    ends_at: datetime,
    *,
    is_all_day: bool = False,
    start_time_zone: str = "UTC",
) -> Item:
    some = st.lists(st.sampled_from(people), max_size=4).map(tuple)
    item_type = draw(st.sampled_from(["Single", "Occurrence", "Exception"]))
    return Item(
        starts_at=starts_at,
        ends_at=ends_at,
        organizer=draw(st.sampled_from([*people, Person("", "")])),
        subject=draw(st.none() | st.just("Budget")),
        body=draw(st.sampled_from(["", "<p>secret</p>"])),
        required=draw(some),
        optional=draw(some),
        resources=draw(some),
        is_all_day=is_all_day,
        is_cancelled=draw(st.booleans()),
        sensitivity=draw(st.sampled_from([None, "Normal", "Personal", "Private", "Confidential"])),
        item_type=item_type,
        free_busy=draw(
            st.sampled_from(
                [None, "Free", "Tentative", "Busy", "OOF", "WorkingElsewhere", "NoData"]
            )
        ),
        my_response=draw(
            st.sampled_from(
                [
                    *(None, "Unknown", "Organizer", "Tentative"),
                    *("Accept", "Decline", "NoResponseReceived"),
                ]
            )
        ),
        is_online=draw(st.booleans()),
        created_at=draw(st.none() | _instants),
        series_id=None if item_type == "Single" else "0400A1",
        start_time_zone=start_time_zone,
    )
