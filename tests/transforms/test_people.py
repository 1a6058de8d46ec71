"""R11 and R12: how many people are invited, and whether any is from outside."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transforms.items import INVITEES
from transforms.raw import RawInvitee, Role
from transforms.redact import UNKNOWN_PEOPLE, People, people_of

DIRECTORY = frozenset({"hq1@contoso.example", "hq2@contoso.example"})
ACCEPTED = frozenset({"contoso.example"})


def invitee(
    address: str | None,
    role: Role = "required",
    legacy_dn: str | None = None,
    *,
    is_list: bool = False,
) -> RawInvitee:
    return RawInvitee(role, address, legacy_dn, is_list)


def people(*invitees: RawInvitee, accepted: frozenset[str] = ACCEPTED) -> People:
    return people_of(invitees, DIRECTORY, accepted)


def headcount(*invitees: RawInvitee) -> int | None:
    return people(*invitees).invited_headcount


def has_external(*invitees: RawInvitee) -> bool | None:
    return people(*invitees).has_external


def test_r11_headcount_is_the_organizer_and_the_required_and_optional_invitees() -> None:
    assert (
        headcount(
            invitee("ann@contoso.example", "organizer"),
            invitee("bob@contoso.example"),
            invitee("cid@contoso.example", "optional"),
        )
        == 3
    )


def test_r11_addresses_are_compared_without_case_and_space() -> None:
    organizer = invitee("Ann@Contoso.example", "organizer")
    assert headcount(organizer, invitee(" ann@contoso.EXAMPLE ")) == 1


def test_r11_this_room_and_every_room_of_the_directory_are_no_people() -> None:
    rooms = [invitee("HQ1@contoso.example"), invitee("hq2@contoso.example", "optional")]
    assert headcount(*rooms, invitee("ann@contoso.example")) == 1
    assert people(*rooms) == UNKNOWN_PEOPLE


def test_r11_resources_are_no_people_even_if_they_are_invited_as_such_too() -> None:
    projector = invitee("projector@contoso.example", "resource")
    again = invitee("Projector@contoso.example", "optional")
    assert headcount(projector, again, invitee("ann@contoso.example")) == 1


def test_r11_a_resource_without_an_address_hides_nobody() -> None:
    assert headcount(invitee(None, "resource"), invitee(None)) == 1


def test_r11_nobody_left_is_unknown_and_not_zero() -> None:
    assert people() == UNKNOWN_PEOPLE
    assert people(invitee("projector@contoso.example", "resource")) == UNKNOWN_PEOPLE


def test_r11_a_list_counts_one_and_makes_the_headcount_a_lower_bound() -> None:
    found = people(invitee("ann@contoso.example"), invitee("all@contoso.example", is_list=True))
    assert (found.invited_headcount, found.headcount_is_lower_bound) == (2, True)


def test_r11_a_list_that_is_a_room_is_no_lower_bound() -> None:
    found = people(invitee("ann@contoso.example"), invitee("hq2@contoso.example", is_list=True))
    assert (found.invited_headcount, found.headcount_is_lower_bound) == (1, False)


def test_r11_a_legacy_dn_counts_one_and_the_same_one_not_twice() -> None:
    ann = invitee(None, "organizer", "/o=Org/cn=Ann")
    assert headcount(ann, invitee("", "required", "/O=org/CN=ann")) == 1
    assert headcount(ann, invitee(None, "required", "/o=Org/cn=Bob")) == 2


def test_r11_invitees_with_neither_address_nor_legacy_dn_count_one_each() -> None:
    assert headcount(invitee(None), invitee("  "), invitee("ann@contoso.example")) == 3


@settings(deadline=None, max_examples=200)
@given(st.lists(INVITEES, max_size=6), INVITEES.filter(lambda added: added.role != "resource"))
def test_r11_one_more_invitee_never_lowers_the_headcount(
    invitees: list[RawInvitee], added: RawInvitee
) -> None:
    before = people(*invitees)
    after = people(*invitees, added)
    assert (after.invited_headcount or 0) - (before.invited_headcount or 0) in (0, 1)
    assert after.headcount_is_lower_bound >= before.headcount_is_lower_bound


def test_r12_anyone_outside_the_accepted_domains_is_external() -> None:
    ann = invitee("ann@contoso.example", "organizer")
    assert has_external(ann, invitee("bob@fabrikam.example")) is True
    assert has_external(ann, invitee("bob@CONTOSO.example")) is False
    assert has_external(invitee("eve@fabrikam.example", "organizer")) is True


@pytest.mark.parametrize("domain", ["mail.contoso.example", "notcontoso.example", "contoso"])
def test_r12_only_an_exact_domain_is_accepted(domain: str) -> None:
    assert has_external(invitee(f"ann@{domain}")) is True


def test_r12_the_domain_is_what_follows_the_last_at() -> None:
    assert has_external(invitee('"a@b"@contoso.example')) is False


def test_r12_is_unknown_where_only_unknown_addresses_could_be_external() -> None:
    ann, nameless = invitee("ann@contoso.example"), invitee(None)
    legacy = invitee(None, legacy_dn="/o=Org/cn=bob@fabrikam.example")
    assert has_external(ann, nameless) is None
    assert has_external(ann, legacy) is None
    assert has_external(ann, invitee("not an address")) is None
    assert has_external(legacy, invitee("bob@fabrikam.example")) is True


def test_r12_is_unknown_where_no_domain_is_configured() -> None:
    assert people(invitee("ann@contoso.example"), accepted=frozenset()).has_external is None


def test_r12_resources_and_rooms_are_no_outsiders() -> None:
    projector = invitee("projector@fabrikam.example", "resource")
    assert has_external(projector, invitee("ann@contoso.example")) is False
