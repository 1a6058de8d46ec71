"""R2: the grammar of open hours, holidays, closures, and the open intervals of a date."""

from contextlib import suppress
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.local_time import (
    Closure,
    closed_dates,
    countries,
    is_subdivision,
    parse_open_hours,
    public_holidays,
    subdivisions,
)

MONDAY = date(2026, 11, 23)
SATURDAY = MONDAY + timedelta(days=5)
SUNDAY = MONDAY + timedelta(days=6)


def test_r2_open_hours_may_have_several_intervals_a_day() -> None:
    hours = parse_open_hours("Mon-Fri 08:00-12:00, 13:00-18:00; Sat 09:00-12:00")
    assert hours[MONDAY.weekday()] == ((480, 720), (780, 1080))
    assert hours[SATURDAY.weekday()] == ((540, 720),)
    assert hours[SUNDAY.weekday()] == ()


def test_r2_a_list_of_days_opens_only_those() -> None:
    hours = parse_open_hours("Mon,Wed, Fri-Sat 10:00-11:00")
    assert [bool(day) for day in hours] == [True, False, True, False, True, True, False]


def test_r2_a_day_named_again_adds_its_intervals_in_order() -> None:
    hours = parse_open_hours("Mon-Fri 13:00-18:00; Mon 08:00-12:00")
    assert hours[MONDAY.weekday()] == ((480, 720), (780, 1080))


def test_r2_intervals_that_touch_are_one() -> None:
    assert parse_open_hours("Mon 08:00-12:00, 12:00-18:00")[MONDAY.weekday()] == ((480, 1080),)


def test_r2_closed_is_never_open() -> None:
    assert parse_open_hours(" closed ") == ((),) * 7


def test_r2_a_day_may_be_open_until_24_00() -> None:
    assert parse_open_hours("Mon-Sun 00:00-24:00") == (((0, 1440),),) * 7


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "a part is empty"),
        ("Mon-Fri 08:00-18:00;", "a part is empty"),
        ("Mon-Fri", "is not days and then hours"),
        ("08:00-18:00", "is not days and then hours"),
        ("Mon-Fri closed", "closed stands alone"),
        ("Monday 08:00-18:00", "'Monday' is no day"),
        ("Mon-Fri-Sat 08:00-18:00", "'Fri-Sat' is no day"),
        ("Fri-Mon 08:00-18:00", "Fri-Mon runs backwards"),
        ("Wed,Mon 08:00-18:00", "out of order"),
        ("Mon,Mon 08:00-18:00", "out of order"),
        ("Mon 08:00", "'08:00' is no interval"),
        ("Mon 08:00-12:00, Tue 08:00-12:00", "is no interval"),
        ("Mon 08:60-18:00", "minutes over 59"),
        ("Mon 08:00-24:01", "goes over 24:00"),
        ("Mon 25:00-26:00", "goes over 24:00"),
        ("Mon 08:00-08:00", "is empty"),
        ("Mon 22:00-06:00", "ends before it starts; nothing runs across midnight"),
        ("Mon 08:00-12:00, 11:00-13:00", "the intervals of Mon overlap at 11:00"),
        ("Mon-Fri 08:00-12:00; Wed 11:00-13:00", "the intervals of Wed overlap at 11:00"),
    ],
)
def test_r2_open_hours_that_break_the_grammar_are_refused_in_one_sentence(
    text: str, reason: str
) -> None:
    with pytest.raises(ValueError, match=reason) as refusal:
        parse_open_hours(text)
    assert "\n" not in str(refusal.value)


@settings(deadline=None, max_examples=200)
@given(st.text(alphabet="Mon-FriSat 0123456789:,;cleds\n٣é", max_size=40))
def test_r2_any_text_is_refused_or_read_as_sorted_intervals_that_do_not_touch(text: str) -> None:
    with suppress(ValueError):
        for day in parse_open_hours(text):
            flat = [minute for interval in day for minute in interval]
            assert flat == sorted(set(flat))


def test_r2_holidays_are_those_of_the_country_and_the_subdivision() -> None:
    epiphany = date(2026, 1, 6)
    new_year = date(2026, 1, 1)
    assert epiphany in public_holidays("DE", "BY", [2026])
    assert epiphany in public_holidays("DE", "DE-BY", [2026])
    assert epiphany not in public_holidays("DE", None, [2026])
    assert new_year in public_holidays("DE", None, [2025, 2026])


def test_r2_a_room_without_a_country_has_no_holidays() -> None:
    assert public_holidays(None, None, range(2020, 2030)) == frozenset()


@pytest.mark.parametrize(("country", "subdivision"), [("XX", None), ("DE", "ZZ"), ("de", None)])
def test_r2_an_unknown_country_or_subdivision_is_refused(
    country: str, subdivision: str | None
) -> None:
    with pytest.raises(ValueError, match="not a country or subdivision"):
        public_holidays(country, subdivision, [2026])


def test_r2_holidays_of_any_known_subdivision_lie_in_the_year_asked_for() -> None:
    for country in sorted(countries())[::10]:
        for subdivision in sorted(subdivisions(country))[:2]:
            assert is_subdivision(country, subdivision)
            days = public_holidays(country, subdivision, [2026])
            assert {day.year for day in days} <= {2026}


@pytest.mark.parametrize(
    ("closure", "is_covered"),
    [
        (Closure(MONDAY, MONDAY), True),
        (Closure(MONDAY, MONDAY, site="Copenhagen"), True),
        (Closure(MONDAY, MONDAY, building="HQ"), True),
        (Closure(MONDAY, MONDAY, room_id="hq-1"), True),
        (Closure(MONDAY, MONDAY, site="Copenhagen", building="Annex"), False),
        (Closure(MONDAY, MONDAY, site="Munich"), False),
        (Closure(MONDAY, MONDAY, room_id="hq-2"), False),
    ],
)
def test_r2_a_closure_covers_the_rooms_that_match_all_it_names(
    closure: Closure, is_covered: bool
) -> None:
    assert closure.applies_to(site="Copenhagen", building="HQ", room_id="hq-1") is is_covered


def test_r2_the_dates_of_closures_are_inclusive_and_cut_to_the_window() -> None:
    closures = [
        Closure(date(1900, 1, 1), MONDAY),
        Closure(SATURDAY, SUNDAY),
        Closure(SUNDAY, date(9999, 12, 31)),
        Closure(date(2027, 2, 1), date(2027, 1, 1)),
    ]
    last = SUNDAY + timedelta(days=1)
    assert closed_dates(closures, MONDAY, last) == {MONDAY, SATURDAY, SUNDAY, last}


def test_r2_a_holiday_on_a_weekend_is_kept_on_the_weekday_observed_in_lieu() -> None:
    fourth_of_july = date(2026, 7, 4)
    days = public_holidays("US", None, [2026])
    assert {fourth_of_july, fourth_of_july - timedelta(days=1)} <= days
