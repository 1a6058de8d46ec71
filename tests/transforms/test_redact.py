"""Redaction: an allow-list that makes the contract's rows and lets nothing personal through."""

import io
import pickle
from datetime import UTC, date, datetime, timedelta
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transforms.items import ALWAYS, ITEMS, NOON, READ_AT, WORDS, ZONE_NAMES, item, room
from transforms.contract import KINDS, RESPONSES, SHOW_AS, STATUSES
from transforms.contract.lake import BOOKINGS, STAGED
from transforms.raw import SERIES, RawInvitee, RawItem
from transforms.redact import redact

ANN = RawInvitee("organizer", "ann@contoso.example")


def rows(*items: RawItem) -> list[dict[str, object]]:
    found: list[dict[str, object]] = redact(items, room(), READ_AT, *ALWAYS).to_pylist()
    return found


def test_a_plain_meeting_becomes_one_row_of_the_contract() -> None:
    meeting = item(
        stated={"is_online": True},
        created_at=NOON - timedelta(days=2),
        invitees=(ANN,),
        kind="occurrence",
    )
    assert rows(meeting) == [
        {
            "room_id": "hq-1",
            "starts_at": NOON,
            "ends_at": NOON + timedelta(minutes=30),
            "is_all_day": False,
            "is_cancelled": False,
            "is_private": False,
            "kind": "occurrence",
            "show_as": "busy",
            "response": "accept",
            "status": "booked",
            "invited_headcount": 1,
            "headcount_is_lower_bound": False,
            "has_external": False,
            "is_online": True,
            "created_at": NOON - timedelta(days=2),
            "read_at": READ_AT,
            "local_start_date": NOON.date(),
        }
    ]


def test_a_room_without_items_is_an_empty_table_of_the_same_schema() -> None:
    assert redact([], room(), READ_AT, *ALWAYS).schema.equals(STAGED, check_metadata=True)


def test_the_staged_schema_is_that_of_the_lake_and_the_partition_key() -> None:
    assert STAGED.names == [*BOOKINGS.names, "local_start_date"]
    assert all(STAGED.field(name).equals(BOOKINGS.field(name)) for name in BOOKINGS.names)


def test_a_recurring_master_never_becomes_a_row() -> None:
    assert rows(item(kind=SERIES)) == []


def test_words_that_are_not_the_contracts_are_never_passed_on() -> None:
    word = "Ann Smith"
    (row,) = rows(item(kind=word, show_as=word, response=word, stated={"is_online": word}))
    assert (row["kind"], row["show_as"], row["response"]) == ("single", "unknown", "unknown")
    assert row["is_online"] is None


def test_r5_an_unknown_free_busy_status_is_not_booked() -> None:
    (row,) = rows(item(show_as="unknown"))
    assert (row["show_as"], row["status"]) == ("unknown", "not_booked")


def test_r5_an_end_before_the_start_is_not_booked_and_stored_as_zero_length() -> None:
    (row,) = rows(item(ends_at=NOON - timedelta(hours=1)))
    assert (row["status"], row["ends_at"]) == ("not_booked", NOON)


def test_r5_longer_than_zero_goes_by_the_exact_instants() -> None:
    assert rows(item(ends_at=NOON + timedelta(microseconds=1)))[0]["status"] == "booked"


@pytest.mark.parametrize(
    ("starts_at", "is_asked_for"),
    [
        (datetime(2026, 11, 22, 22, 59, tzinfo=UTC), False),
        (datetime(2026, 11, 22, 23, 0, tzinfo=UTC), True),
        (datetime(2026, 11, 24, 22, 59, tzinfo=UTC), True),
        (datetime(2026, 11, 24, 23, 0, tzinfo=UTC), False),
    ],
)
def test_r10_bookings_that_start_on_the_days_asked_are_kept(
    starts_at: datetime, is_asked_for: bool
) -> None:
    short = item(starts_at=starts_at, ends_at=starts_at + timedelta(minutes=1))
    table = redact([short], room(), READ_AT, date(2026, 11, 23), date(2026, 11, 24))
    assert table.num_rows == is_asked_for


@pytest.mark.parametrize(
    ("ends_at", "is_kept"),
    [
        (datetime(2026, 11, 22, 23, 0, tzinfo=UTC), False),  # local midnight: no overlap
        (datetime(2026, 11, 22, 23, 1, tzinfo=UTC), True),
        (datetime(2027, 3, 1, tzinfo=UTC), True),
    ],
)
def test_r10_a_booking_that_runs_on_into_the_days_asked_is_kept_under_its_own_day(
    ends_at: datetime, is_kept: bool
) -> None:
    long = item(starts_at=datetime(2025, 1, 8, 9, tzinfo=UTC), ends_at=ends_at)
    table = redact([long], room(), READ_AT, date(2026, 11, 23), date(2026, 11, 24))
    assert table["local_start_date"].to_pylist() == [date(2025, 1, 8)] * is_kept


def test_r10_a_booking_across_midnight_is_stored_once_and_whole() -> None:
    late = item(starts_at=NOON, ends_at=NOON + timedelta(days=2))
    (row,) = rows(late)
    assert (row["ends_at"], row["local_start_date"]) == (late.ends_at, NOON.date())


def test_r11_and_r12_are_unknown_for_a_private_booking() -> None:
    guests = (ANN, RawInvitee("required", "all@fabrikam.example", is_list=True))
    (row,) = rows(item(is_private=True, invitees=guests))
    assert row["invited_headcount"] is None
    assert row["has_external"] is None
    assert row["headcount_is_lower_bound"] is False


def test_r11_a_room_address_written_with_capitals_is_still_no_person() -> None:
    itself = RawInvitee("required", "HQ9@contoso.example")
    context = room(address="Hq9@Contoso.example")
    table = redact([item(invitees=(ANN, itself))], context, READ_AT, *ALWAYS)
    assert table["invited_headcount"].to_pylist() == [1]


def test_starts_beyond_what_timestamps_hold_are_left_out_and_creations_unknown() -> None:
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    assert rows(item(starts_at=first), item(starts_at=last, is_all_day=True)) == []
    assert rows(item(created_at=first))[0]["created_at"] is None


@settings(deadline=None, max_examples=100)
@given(st.lists(ITEMS, max_size=8), ZONE_NAMES)
def test_any_items_make_a_table_that_keeps_the_contract(
    items: list[RawItem], zone_name: str
) -> None:
    table = redact(items, room(zone_name), READ_AT, *ALWAYS)
    table.validate(full=True)
    assert table.schema.equals(STAGED, check_metadata=True)
    assert pq.read_table(io.BytesIO(parquet(table))).num_rows == table.num_rows
    for row in table.to_pylist():
        assert row["kind"] in KINDS
        assert row["show_as"] in SHOW_AS
        assert row["response"] in RESPONSES
        assert row["status"] in STATUSES
        assert row["ends_at"] >= row["starts_at"]
        assert row["invited_headcount"] != 0
        assert row["status"] not in ("booked", "held") or row["ends_at"] > row["starts_at"]


def parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="none", use_dictionary=False)
    return sink.getvalue()


@settings(deadline=None, max_examples=100)
@given(st.lists(ITEMS, max_size=8), st.randoms(use_true_random=False))
def test_the_order_of_exchange_does_not_matter_to_a_byte(
    items: list[RawItem], random: Random
) -> None:
    shuffled = random.sample(items, len(items))
    one, other = (redact(given, room(), READ_AT, *ALWAYS) for given in (items, shuffled))
    assert parquet(one) == parquet(other)
    starts = one["starts_at"].to_pylist()
    assert starts == sorted(starts)


TOKENS = st.text("abcdefgh", min_size=8, max_size=12).map("tok{}".format)


@settings(deadline=None, max_examples=100)
@given(st.lists(TOKENS, min_size=12, max_size=12, unique=True), st.booleans())
def test_no_address_name_or_word_of_an_item_is_in_the_bytes(
    tokens: list[str], is_list: bool
) -> None:
    organizer, guest, domain, device, cn, own, other, accepted, kind, busy, response, secret = (
        tokens
    )
    planted = item(
        kind=kind,
        show_as=busy,
        response=response,
        invitees=(
            RawInvitee("organizer", f"{organizer}@{accepted}.example"),
            RawInvitee("required", f"{guest}@{domain}.example", is_list=is_list),
            RawInvitee("resource", f"{device}@{domain}.example"),
            RawInvitee("optional", None, f"/o=Org/cn={cn}"),
            RawInvitee("optional", secret),
        ),
    )
    context = room(
        address=f"{own}@contoso.example",
        directory_addresses=frozenset({f"{other}@contoso.example"}),
        accepted_domains=frozenset({f"{accepted}.example"}),
    )
    table = redact([planted, planted], context, READ_AT, *ALWAYS)
    written = parquet(table) + repr(table).encode() + repr((planted, context)).encode()
    for token in set(tokens) - {accepted}:
        assert token.encode() not in written
    assert accepted.encode() not in parquet(table)
    assert b"hq-1" in parquet(table)


@settings(deadline=None, max_examples=50)
@given(WORDS, WORDS, WORDS)
def test_only_the_contracts_words_come_out_whatever_words_go_in(
    kind: str, show_as: str, response: str
) -> None:
    for row in rows(item(kind=kind, show_as=show_as, response=response)):
        words = {value for value in row.values() if isinstance(value, str)}
        assert words <= {"hq-1", *KINDS, *SHOW_AS, *RESPONSES, *STATUSES}


def test_raw_items_print_no_values_and_are_never_pickled() -> None:
    planted = item(invitees=(ANN,))
    assert "ann" not in repr(planted) + repr(ANN)
    with pytest.raises(TypeError, match="never serialized"):
        pickle.dumps(planted)
