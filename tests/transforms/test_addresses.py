"""One mailbox has one address, however it is written.

The kind of fault: addresses are compared without normalizing them.
"""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transforms.items import item
from transforms.raw import RawInvitee, domain_of, normal_address
from transforms.redact import RoomContext, redact

ANN = "ann@contoso.example"
DN = "/o=first org/ou=exch/cn=recipients/cn=ann"


@pytest.mark.parametrize(
    "text",
    [
        ANN,
        "Ann@Contoso.EXAMPLE",
        "Ann Ray <ann@contoso.example>",
        '"Ray, Ann" <SMTP:ann@contoso.example>',
        "'ann@contoso.example'",
        "'Ann' <'ann@contoso.example'>",
        "<ann@contoso.example>",
        "ann@contoso.example.",
        " ann@contoso.example\u00a0",
        "SMTP:ann@contoso.example",
        "mailto:ann@contoso.example",
        "ann@contoso.example (Ann)",
        "ann@contoso.example;",
    ],
)
def test_every_way_to_write_an_address_is_one_address(text: str) -> None:
    assert normal_address(text) == ANN
    assert domain_of(normal_address(text)) == "contoso.example"


@pytest.mark.parametrize(
    "text",
    [
        "/O=First Org/OU=Exch/CN=Recipients/CN=Ann",
        "EX:/o=First Org/ou=Exch/cn=Recipients/cn=ann",
        "X500:/o=First Org/ou=Exch/cn=Recipients/cn=ann",
        "IMCEAEX-_O=FIRST+20ORG_OU=EXCH_CN=RECIPIENTS_CN=ANN@contoso.example",
    ],
)
def test_every_way_to_write_a_legacy_dn_is_one_dn_of_no_domain(text: str) -> None:
    assert normal_address(text) == DN
    assert domain_of(normal_address(text)) == ""


def test_a_domain_is_the_same_in_unicode_and_in_punycode() -> None:
    assert normal_address("a@b\u00fccher.example") == normal_address("a@XN--BCHER-KVA.example")


@pytest.mark.parametrize("text", ["", "  ", None, "smtp:", "<>", "Ann <>", "''"])
def test_nothing_is_no_address(text: str | None) -> None:
    assert normal_address(text) == ""


@given(st.text())
def test_the_normal_form_of_a_normal_form_is_itself_and_nothing_raises(text: str) -> None:
    once = normal_address(text)
    assert normal_address(once) in (once, normal_address(normal_address(once)))


@pytest.mark.parametrize(
    ("attendees", "headcount", "is_external"),
    [
        (["Ann Ray <ann@contoso.example>"], 2, False),
        ([ANN, "Ann Ray <ann@contoso.example>"], 2, False),
        (["Aurora <aurora@contoso.example>"], 1, False),
        (["'ann@contoso.example'"], 2, False),
        (["ann@contoso.example."], 2, False),
        (["SMTP:basalt@contoso.example"], 1, False),
        (["Gerda <g@fabrikam.example>"], 2, True),
    ],
)
def test_headcount_and_external_compare_addresses_in_one_form(
    attendees: list[str], headcount: int, is_external: bool
) -> None:
    people = [RawInvitee("organizer", "org@contoso.example")]
    people += [RawInvitee("required", address) for address in attendees]
    room = RoomContext(
        "aurora",
        "Aurora@contoso.example",
        ZoneInfo("Europe/Copenhagen"),
        frozenset({"aurora@contoso.example", "basalt@contoso.example"}),
        frozenset({"contoso.example"}),
    )
    read_at = datetime(2026, 11, 22, tzinfo=UTC)
    rows = redact([item(invitees=tuple(people))], room, read_at, date.min, date.max)
    assert rows["invited_headcount"].to_pylist() == [headcount]
    assert rows["has_external"].to_pylist() == [is_external]
