"""Graph's JSON becomes raw items: every kind of event, and every way to break one."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.sandbox.graph_events import event
from pipelines.sources import ReadError
from pipelines.sources.graph import row_of
from tests.sandbox.rooms import LEAVER, NINE, TEAM, rich_meeting
from transforms.local_time import zone
from transforms.raw import RawItem
from transforms.redact import RoomContext, redact


def plain() -> dict[str, Any]:
    """Return an event with something in every field."""
    return event(rich_meeting(), 7)


def item_of(changed: dict[str, Any]) -> RawItem:
    return row_of(changed, with_invitees=True)[1]


def test_an_event_becomes_an_item_in_the_words_of_the_contract() -> None:
    item = item_of(plain())
    assert (item.starts_at, item.ends_at) == (NINE, NINE.replace(hour=10, minute=30))
    assert (item.kind, item.show_as, item.response, item.is_private) == (
        *("exception", "tentative", "tentative", True),
    )
    assert (item.is_all_day, item.is_cancelled, item.stated["is_online"]) == (False, True, True)
    assert item.created_at == NINE.replace(day=NINE.day - 3)
    assert [(each.role, each.address, each.legacy_dn) for each in item.invitees or ()] == [
        ("organizer", None, LEAVER.address),
        ("required", "ann@contoso.example", None),
        ("required", TEAM.address, None),
        ("optional", "ben@fabrikam.example", None),
        ("resource", "aurora@contoso.example", None),
    ]


def test_an_all_day_event_states_its_dates_and_whatever_zone_it_names() -> None:
    times = {
        "start": {"dateTime": "2026-11-23T00:00:00.0000000", "timeZone": "UTC"},
        "end": {"dateTime": "2026-11-25T00:00:00.0000000", "timeZone": "UTC"},
    }
    item = item_of(plain() | times | {"isAllDay": True})
    assert item.all_day_dates == (date(2026, 11, 23), date(2026, 11, 25))


def test_an_all_day_event_that_is_written_as_instants_is_left_to_r6() -> None:
    times = {
        "start": {"dateTime": "2026-11-22T23:00:00.0000000", "timeZone": "UTC"},
        "end": {"dateTime": "2026-11-23T23:00:00.0000000", "timeZone": "UTC"},
    }
    item = item_of(plain() | times | {"isAllDay": True})
    assert item.all_day_dates is None
    assert item.starts_at == datetime(2026, 11, 22, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    "written", ["2026-11-23T09:00:00.9999999", "2026-11-23T09:00:00.99Z", "2026-11-23T09:00:00"]
)
def test_an_instant_is_cut_to_whole_seconds_as_ews_does(written: str) -> None:
    changed = plain() | {"start": {"dateTime": written, "timeZone": "UTC"}}
    assert item_of(changed).starts_at == datetime(2026, 11, 23, 9, tzinfo=UTC)


def test_a_word_that_is_unknown_is_never_passed_on() -> None:
    odd = {"type": "newKind", "showAs": "newWord", "responseStatus": {"response": "newWord"}}
    item = item_of(plain() | odd)
    assert (item.kind, item.show_as, item.response) == ("single", "unknown", "unknown")
    assert item_of(plain() | {"responseStatus": None}).response == "unknown"


def test_r16_a_sensitivity_that_is_unknown_counts_as_private() -> None:
    assert item_of(plain() | {"sensitivity": "secret"}).is_private is True


@pytest.mark.parametrize("organizer", [None, {}, {"emailAddress": None}])
def test_an_event_that_lost_its_organizer_has_none(organizer: Any) -> None:
    item = item_of(plain() | {"organizer": organizer})
    assert "organizer" not in [each.role for each in item.invitees or ()]


def test_an_event_without_attendees_has_its_organizer_alone() -> None:
    item = item_of(plain() | {"attendees": None})
    assert [each.role for each in item.invitees or ()] == ["organizer"]


BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "no start": ({"start": None}, "MalformedItem"),
    "no time": ({"start": {"timeZone": "UTC"}}, "MalformedItem"),
    "no instant": ({"end": {"dateTime": "today", "timeZone": "UTC"}}, "MalformedItem"),
    "an offset": (
        {"end": {"dateTime": "2026-11-23T09:00:00+02:00", "timeZone": "UTC"}},
        "MalformedItem",
    ),
    "another zone": (
        {"start": {"dateTime": "2026-11-23T09:00:00", "timeZone": "Romance Standard Time"}},
        "UnknownTimeZone",
    ),
    "no id": ({"id": ""}, "MalformedResponse"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_event_fails_the_room_by_a_code(name: str) -> None:
    changes, code = BROKEN[name]
    with pytest.raises(ReadError, match=f"^{code}$") as caught:
        row_of(plain() | changes, with_invitees=True)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("broken", [None, 7, "event", []])
def test_what_is_no_event_at_all_fails_the_room(broken: Any) -> None:
    with pytest.raises(ReadError, match=r"^MalformedItem$"):
        row_of(broken, with_invitees=True)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@settings(deadline=None, max_examples=200)
@given(name=st.sampled_from(sorted(plain())), value=_JSON)
def test_whatever_a_property_holds_an_event_is_an_item_or_a_code(name: str, value: Any) -> None:
    code, items = "", []
    try:
        items.append(item_of(plain() | {name: value}))
    except ReadError as failure:
        code = failure.code
    context = RoomContext("r", "r@x", zone("UTC"), frozenset(), frozenset({"x"}))
    assert redact(items, context, NINE, date.min, date.max).num_rows <= 1
    assert items or code in {"MalformedItem", "MalformedResponse"}
