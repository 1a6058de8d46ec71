"""The attacker finds what a careless publisher reveals, and nothing if there is nothing."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.privacy.statistics.attacker import Attack, attack
from tests.privacy.statistics.knowledge import BANDS, Cell, Leaf, Night, Own, Planned, Shown, Use
from tests.privacy.statistics.program import ContradictionError
from tests.privacy.statistics.publisher import Fact, Publisher

K = 5
OCTOBER = date(2026, 10, 5)
NOVEMBER = date(2026, 11, 2)
LATER = date(2026, 12, 20)
SMALL: Leaf = ("North", "HQ", "2-4")
LARGE: Leaf = ("North", "HQ", "9-14")
OTHER: Leaf = ("North", "Annex", "2-4")


def facts(leaf: Leaf, day: date, minutes: int = 30, **bands: Any) -> list[Fact]:
    """Return bookings of one measure: ``facts(leaf, day, kind={"single": 7})``."""
    return [
        Fact(leaf, day, {measure: band}, minutes)
        for measure, counts in bands.items()
        for band, count in counts.items()
        for _ in range(count)
    ]


def kinds(
    leaf: Leaf, day: date, single: int, occurrence: int = 0, exception: int = 0
) -> list[Fact]:
    return facts(
        leaf, day, kind={"single": single, "occurrence": occurrence, "exception": exception}
    )


def intervals(result: Attack) -> set[tuple[int, int]]:
    return {(each.low, each.high) for each in result.found}


def test_a_band_that_is_left_out_without_merging_is_found_from_the_total() -> None:
    nights = [
        Publisher(is_merging=False, levels=["region"], has_months=False).night(
            kinds(SMALL, OCTOBER, 20, 3), LATER
        )
    ]
    found = attack(nights, K).found
    assert found
    assert all("'occurrence'" not in each.what for each in found)  # it and exception are 3 together
    assert (3, 3) in {(each.low, each.high) for each in found}


def test_a_band_merged_with_the_next_smallest_is_not_found() -> None:
    publisher = Publisher(levels=["region"], has_months=False)
    result = attack([publisher.night(kinds(SMALL, OCTOBER, 20, 6, 2), LATER)], K)
    assert result.tried > 3
    assert result.found == ()


def test_a_building_and_its_sizes_give_the_size_that_is_hidden() -> None:
    told = kinds(SMALL, OCTOBER, 20, 9) + kinds(LARGE, OCTOBER, 20, 6, 3)
    publisher = Publisher(levels=["building", "building_size"], has_months=False)
    assert attack([publisher.night(told, LATER)], K).found == ()
    more = told + kinds(SMALL, OCTOBER, 0, 0, 6)  # the building shows 9 exceptions, the size 6
    assert (3, 3) in intervals(attack([publisher.night(more, LATER)], K))


def test_all_months_and_the_months_give_the_month_that_is_hidden() -> None:
    told = kinds(SMALL, OCTOBER, 20, 9) + kinds(SMALL, NOVEMBER, 20, 2)
    night = Publisher(levels=["building"]).night(told, LATER)
    assert (2, 2) in intervals(attack([night], K))


def test_two_nights_give_the_month_that_closed_between_them() -> None:
    told = kinds(SMALL, OCTOBER, 20, 9) + kinds(SMALL, NOVEMBER, 20, 2)
    publisher = Publisher(levels=["building"], has_months=False)
    before, after = (publisher.night(told, day) for day in (date(2026, 12, 10), LATER))
    assert attack([before], K).found == attack([after], K).found == ()
    assert (2, 2) in intervals(attack([before, after], K))


def test_retention_that_eats_a_month_by_the_day_gives_the_day() -> None:
    told = kinds(SMALL, OCTOBER, 2, 1) + kinds(SMALL, OCTOBER + timedelta(days=3), 20, 9)
    publisher = Publisher(levels=["building"])
    nights = [publisher.night(told, LATER, kept) for kept in (OCTOBER, OCTOBER + timedelta(days=1))]
    assert (2, 2) in intervals(attack(nights, K))


def test_a_month_that_retention_has_deleted_is_not_taken_for_an_empty_one() -> None:
    told = kinds(SMALL, OCTOBER, 20, 9) + kinds(SMALL, NOVEMBER, 20, 9)
    publisher = Publisher(has_totals=False)
    kept_from = NOVEMBER.replace(day=1)
    before, after = publisher.night(told, LATER), publisher.night(told, LATER, kept_from)
    # Days of use may outlive the counts of their month.
    assert attack([before, replace(after, use=before.use)], K).found == ()


def test_minutes_of_few_give_the_only_long_booking() -> None:
    # Five bookings with 1204 minutes in total: one to four of them are longer than 240.
    told = facts(SMALL, OCTOBER, 30, duration={"16-30": 40})
    told += facts(SMALL, OCTOBER, 16, duration={"0-15": 4})
    told += facts(SMALL, OCTOBER, 1140, duration={"241+": 1})
    silent, telling = (
        Publisher(levels=["region"], has_months=False, has_minutes=each) for each in (False, True)
    )
    assert attack([silent.night(told, LATER)], K).found == ()
    assert (1, 4) in intervals(attack([telling.night(told, LATER)], K))


def test_one_measure_tells_of_another() -> None:
    """Series have no lead time, so the kinds reveal what lead time hides in few."""
    told = [
        Fact(SMALL, OCTOBER, {"kind": kind, "lead_time": lead})
        for kind, lead, count in (
            ("single", "1d-7d", 20),
            ("single", "0-15m", 2),
            ("occurrence", None, 5),
        )
        for _ in range(count)
    ]
    night = Publisher(levels=["region"], has_months=False).night(told, LATER)
    assert intervals(attack([night], K)) == {(2, 2)}
    lead_times = tuple(each for each in night.shown if each.measure == "lead_time")
    assert attack([Night(LATER, lead_times, night.use)], K).found == ()


def test_a_colleagues_own_bookings_narrow_what_the_others_are() -> None:
    publisher = Publisher(levels=["building", "building_size"], has_months=False)
    told = kinds(SMALL, OCTOBER, 20, 3, 4) + kinds(LARGE, OCTOBER, 20, 6, 2)
    shown = [
        each
        for each in publisher.night(told, LATER).shown
        if (each.cell.level, each.cell.capacity_band, each.band) != ("building_size", "9-14", "few")
    ]
    night = Night(LATER, tuple(shown), publisher.night(told, LATER).use)
    alone, with_own = (
        attack([night], K, [Own(SMALL, OCTOBER, {"kind": "exception"})] * count) for count in (0, 4)
    )
    assert len(alone.found) != len(with_own.found)


def test_what_does_not_add_up_is_refused() -> None:
    cell = Cell("region", None, None, None, None)
    row = Shown(cell, "kind", "single", 9, None, 9)
    with pytest.raises(ContradictionError):
        attack([Night(LATER, (row,), {(SMALL, OCTOBER): Use(30, 1, 8)})], K)


@st.composite
def regions(draw: st.DrawFn) -> list[Fact]:
    """Draw some groups and two months, with bookings in two tied measures.

    All single bookings have a lead time, as the attacker assumes: otherwise its findings may be
    wrong without any contradiction.
    """
    leaves = draw(st.lists(st.sampled_from([SMALL, LARGE, OTHER]), min_size=1, max_size=3))
    days = st.sampled_from([OCTOBER, OCTOBER + timedelta(days=9), NOVEMBER])
    shapes = st.sampled_from(
        [(kind, None) for kind in BANDS["kind"][1:]]
        + [("single", lead) for lead in BANDS["lead_time"] if lead is not None]
    )
    groups = st.tuples(st.sampled_from(leaves), days, shapes, st.integers(1, 9))
    return [
        Fact(leaf, day, {"kind": kind, "lead_time": lead})
        for leaf, day, (kind, lead), count in draw(st.lists(groups, min_size=1, max_size=30))
        for _ in range(count)
    ]


def truth_of(region: Sequence[Fact], what: str) -> int:
    """Count the bookings that a finding's description names."""
    measure, bands, leaves, months = what.split(" | ")
    return sum(
        str(fact.bands[measure]) in bands.split(", ")
        and str(fact.leaf) in leaves
        and f"{fact.day:%Y-%m}" in months
        for fact in region
    )


@given(regions(), st.booleans())
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_found_is_true(region: list[Fact], is_merging: bool) -> None:
    result = attack([Publisher(is_merging=is_merging).night(region, LATER)], K)
    for each in result.found:
        if each.how == "hidden":
            assert each.low <= truth_of(region, each.what) <= each.high


@given(regions())
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_one_cell_whose_small_bands_are_merged_gives_nothing(region: list[Fact]) -> None:
    """Unless all are alike: then a group of two has two of that band, whatever is hidden."""
    leads = [Fact(each.leaf, each.day, {"lead_time": each.bands["lead_time"]}) for each in region]
    assume(len({fact.bands["lead_time"] for fact in leads}) > 1)
    publisher = Publisher(levels=["region"], has_months=False)
    assert attack([publisher.night(leads, LATER)], K).found == ()


def test_where_all_are_alike_a_small_group_is_too() -> None:
    told = kinds(SMALL, OCTOBER, 20) + kinds(LARGE, OCTOBER, 2)
    night = Publisher(levels=["building"]).night(told, LATER)
    assert intervals(attack([night], K)) == {(2, 2)}


def test_the_minutes_of_the_what_if_give_a_long_booking() -> None:
    # Forty bookings of at most half an hour, and four with 1188 minutes in total: one is over 240.
    told = facts(SMALL, OCTOBER, 30, duration={"16-30": 40})
    told += facts(SMALL, OCTOBER, 16, duration={"0-15": 3})
    told += facts(SMALL, OCTOBER, 1140, duration={"241+": 1})
    publisher = Publisher(is_merging=False, levels=["region"], has_months=False)
    night = publisher.night(told, LATER)

    def long(*days: date) -> set[tuple[int, int]]:
        planned = {SMALL: Planned(frozenset(days), 1, 2388)} if days else {}
        found = attack([replace(night, plans=planned)], K).found
        return {(each.low, each.high) for each in found if "| 241+, all-day |" in each.what}

    assert long(OCTOBER) == {(1, 4)}
    assert long() == long(OCTOBER, LATER) == set()  # an open month publishes nothing


def test_the_rooms_of_a_plan_say_how_many_bookings_there_are_at_least() -> None:
    told = kinds(SMALL, OCTOBER, 3) + kinds(LARGE, OCTOBER, 6)
    publisher = Publisher(levels=["building"], has_months=False, has_totals=False)
    night = publisher.night(told, LATER)
    days = frozenset({OCTOBER})
    planned = {SMALL: Planned(days, 2, 90), LARGE: Planned(days, 5, 180)}
    assert attack([night], K).found == ()
    assert (2, 4) in intervals(attack([replace(night, plans=planned)], K))


def test_what_is_booked_ahead_tonight_and_was_not_last_night_is_a_lead_time() -> None:
    day = date(2026, 11, 24)
    told = [
        Fact(SMALL, day, {"lead_time": lead, "kind": "single"})
        for lead, count in (("30d+", 20), ("1d-7d", 2))
        for _ in range(count)
    ]
    publisher = Publisher(is_merging=False, levels=["region"], has_months=False)
    nights = [
        replace(publisher.night(told, built_on), booked={("HQ", day): minutes})
        for built_on, minutes in ((date(2026, 11, 20), 600), (date(2026, 11, 21), 660))
    ]
    closed = publisher.night(told, LATER)
    silent = [replace(night, booked={}) for night in nights]
    assert "1d-7d" not in {each.what.split(" | ")[1] for each in attack([*silent, closed], K).found}
    found = attack([*nights, closed], K).found
    assert (1, 2) in {(e.low, e.high) for e in found if e.what.startswith("lead_time | 1d-7d |")}
