"""Raw calendar items for tests: one plain meeting, and Hypothesis strategies for odd ones."""

from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from hypothesis import strategies as st

from transforms.local_time import zone
from transforms.raw import SERIES, RawInvitee, RawItem
from transforms.redact import RoomContext

NOON: Final = datetime(2026, 11, 23, 12, tzinfo=UTC)
READ_AT: Final = datetime(2026, 11, 24, 1, 30, tzinfo=UTC)
ALWAYS: Final = (date(1, 1, 1), date(9999, 12, 31))


def item(**changes: Any) -> RawItem:
    """Return a plain half-hour meeting at noon UTC, with some fields changed."""
    fields: dict[str, Any] = {
        "starts_at": NOON,
        "ends_at": NOON + timedelta(minutes=30),
        "is_all_day": False,
        "is_cancelled": False,
        "kind": "single",
        "show_as": "busy",
        "response": "accept",
        "is_private": False,
        "created_at": None,
        "invitees": None,
        "stated": {"is_online": None},
    }
    return RawItem(**fields | changes)


def room(zone_name: str = "Europe/Copenhagen", **changes: Any) -> RoomContext:
    """Return a room of contoso.example whose directory has two rooms."""
    fields: dict[str, Any] = {
        "room_id": "hq-1",
        "address": "hq1@contoso.example",
        "zone": zone(zone_name),
        "directory_addresses": frozenset({"hq1@contoso.example", "hq2@contoso.example"}),
        "accepted_domains": frozenset({"contoso.example"}),
    }
    return RoomContext(**fields | changes)


WORDS: Final = st.text(max_size=12)


def _words(*known: str) -> st.SearchStrategy[str]:
    return st.one_of(st.sampled_from(known), WORDS)


NAMES: Final = st.sampled_from(("ann", "Bob", "hq1", "hq2", "list"))
DOMAINS: Final = st.sampled_from(("contoso.example", "Contoso.Example", "fabrikam.example"))
ADDRESSES: Final = st.one_of(
    st.none(), st.sampled_from(("", " ", "@", "nobody")), st.builds("{}@{}".format, NAMES, DOMAINS)
)
INVITEES: Final = st.builds(
    RawInvitee,
    role=st.sampled_from(("organizer", "required", "optional", "resource")),
    address=ADDRESSES,
    legacy_dn=st.one_of(st.none(), st.builds("/o=org/cn={}".format, NAMES)),
    is_list=st.booleans(),
)
INSTANTS: Final = st.one_of(
    st.just(NOON),
    st.datetimes(timezones=st.just(UTC)),
    st.timedeltas(timedelta(days=-50), timedelta(days=7)).map(lambda passed: NOON + passed),
)
ITEMS: Final = st.builds(
    RawItem,
    starts_at=INSTANTS,
    ends_at=INSTANTS,
    is_all_day=st.booleans(),
    is_cancelled=st.booleans(),
    kind=_words("single", "occurrence", "exception", SERIES),
    show_as=_words("free", "tentative", "busy", "oof", "elsewhere", "unknown"),
    response=_words("unknown", "organizer", "tentative", "accept", "decline"),
    is_private=st.booleans(),
    stated=st.fixed_dictionaries({}, optional={"is_online": st.sampled_from((None, True, False))}),
    created_at=st.one_of(st.none(), INSTANTS),
    invitees=st.one_of(st.none(), st.lists(INVITEES, max_size=6).map(tuple)),
)
ZONE_NAMES: Final = st.sampled_from(
    (
        "Europe/Copenhagen",
        "America/New_York",
        "America/St_Johns",
        "Asia/Kolkata",
        "Asia/Kathmandu",
        "Asia/Tokyo",
        "Australia/Lord_Howe",
        "Pacific/Auckland",
        "UTC",
    )
)
