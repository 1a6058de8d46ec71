"""Parsing is strict: XML that is incomplete or malformed is an error, never fewer rows."""

from datetime import UTC, datetime

import pytest
from lxml import etree

from pipelines.sources import ReadError, ews_xml, graph
from pipelines.sources.ews_xml import parse_strictly, rows_of
from transforms.contract import KINDS, RESPONSES, SHOW_AS
from transforms.raw import SERIES

T = "http://schemas.microsoft.com/exchange/services/2006/types"
WHOLE = f"""<?xml version="1.0" encoding="utf-8"?>
<t:Items xmlns:t="{T}"><t:CalendarItem><t:ItemId Id="i1" ChangeKey="c"/><t:ParentFolderId Id="f"/>
<t:Start>2026-03-02T09:00:00Z</t:Start><t:End>2026-03-02T10:00:00Z</t:End>
</t:CalendarItem></t:Items>""".encode()


def items(*contents: str) -> etree._Element:
    ids = '<t:ItemId Id="i"/><t:ParentFolderId Id="f"/>'
    inner = "".join(f"<t:CalendarItem>{ids}{content}</t:CalendarItem>" for content in contents)
    return parse_strictly(f'<t:Items xmlns:t="{T}">{inner}</t:Items>'.encode())


TIMES = "<t:Start>2026-03-02T09:00:00Z</t:Start><t:End>2026-03-02T10:00:00Z</t:End>"


def test_every_cut_of_an_answer_is_refused() -> None:
    assert len(parse_strictly(WHOLE)) == 1
    for size in range(len(WHOLE)):
        with pytest.raises(ReadError, match=r"^MalformedResponse$"):
            parse_strictly(WHOLE[:size])


@pytest.mark.parametrize(
    "reference", ["&#x1B;", "&#27;", "&#x0;", "&#xFFFF;", "&#xD800;", "&#1114112;"]
)
def test_references_to_forbidden_characters_are_dropped(reference: str) -> None:
    assert parse_strictly(f"<a>b{reference}c</a>".encode()).text == "bc"


@pytest.mark.parametrize("reference", ["&#x9;", "&#10;", "&#x41;", "&#x1F600;", "&#xE000;"])
def test_other_references_stay(reference: str) -> None:
    assert len(parse_strictly(f"<a>{reference}</a>".encode()).text or "") == 1


@pytest.mark.parametrize(
    "hostile",
    [
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
        b"<!DOCTYPE a><a/>",
        b"<a>&undefined;</a>",
        b"<a/><b/>",
        b"",
        b"\x1b",
    ],
)
def test_what_is_not_plain_xml_is_refused(hostile: bytes) -> None:
    with pytest.raises(ReadError, match=r"^MalformedResponse$"):
        parse_strictly(hostile)


@pytest.mark.parametrize(
    "page",
    [
        b"<html><body>Sign in<br></body></html>",
        b"\xef\xbb\xbf\r\n<!DOCTYPE html>\n<html>",
        b'<!doctype HTML PUBLIC "-//W3C//DTD HTML 4.01//EN"><HTML>',
        b"\r\n<!-- Copyright (C) Microsoft Corporation. -->\r\n<!DOCTYPE html>\n<html>",
        b'<?xml version="1.0"?>\n<html xmlns="http://www.w3.org/1999/xhtml"/>',
        b"<head><title>Blocked</title></head>",
    ],
)
def test_a_web_page_is_named_as_one(page: bytes) -> None:
    with pytest.raises(ReadError, match=r"^WebPage$"):
        parse_strictly(page)


def test_many_comments_do_not_take_long_to_look_behind() -> None:
    with pytest.raises(ReadError, match=r"^MalformedResponse$"):
        parse_strictly(b"<!--a-->" * 5_000 + b"<a>")


def test_a_reference_of_thousands_of_digits_is_dropped() -> None:
    assert (
        parse_strictly(b"<a>b&#" + b"9" * 5_000 + b";&#x" + b"f" * 5_000 + b";c</a>").text == "bc"
    )


def test_an_item_without_a_field_is_read_apart_from_its_neighbours() -> None:
    online = "<t:IsOnlineMeeting>true</t:IsOnlineMeeting>"
    rows = rows_of(items(TIMES + online, TIMES, TIMES + online))
    assert [item.stated["is_online"] for _, _, item in rows] == [True, None, True]


def test_a_field_that_no_item_has_is_none() -> None:
    (_, _, item), _ = rows_of(items(TIMES, TIMES))
    assert (item.stated["is_online"], item.created_at, item.is_private) == (None, None, False)
    assert not item.is_all_day


def test_a_word_that_ews_does_not_have_is_unknown() -> None:
    word = "<t:LegacyFreeBusyStatus>Ann's</t:LegacyFreeBusyStatus>"
    ((_, _, item),) = rows_of(items(TIMES + word))
    assert item.show_as == "unknown"


def test_r16_a_sensitivity_that_ews_does_not_have_counts_as_private_as_over_graph() -> None:
    ((_, _, item),) = rows_of(items(f"{TIMES}<t:Sensitivity>Ann's</t:Sensitivity>"))
    assert item.is_private is True


@pytest.mark.parametrize(
    ("word", "is_private"),
    [("Normal", False), ("Personal", False), ("Private", True), ("Confidential", True)],
)
def test_r16_private_and_confidential_are_private(word: str, is_private: bool) -> None:
    ((_, _, item),) = rows_of(items(f"{TIMES}<t:Sensitivity>{word}</t:Sensitivity>"))
    assert item.is_private is is_private


def test_every_word_of_the_contract_comes_from_a_word_of_either_protocol() -> None:
    for source in (ews_xml, graph):
        assert {*source._KINDS.values()} == {*KINDS, SERIES}
        assert {*source._SHOW_AS.values(), "unknown"} == {*SHOW_AS}
        assert {*source._RESPONSES.values(), "unknown"} == {*RESPONSES}


def test_a_recurring_master_is_told_from_a_booking_so_that_redaction_can_leave_it_out() -> None:
    master = "<t:CalendarItemType>RecurringMaster</t:CalendarItemType>"
    ((_, _, item),) = rows_of(items(TIMES + master))
    assert item.kind == SERIES


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-03-02T09:00:00Z", datetime(2026, 3, 2, 9, tzinfo=UTC)),
        ("2026-03-02T09:00:00", datetime(2026, 3, 2, 9, tzinfo=UTC)),
        ("2026-03-02T09:00:00+05:30", datetime(2026, 3, 2, 3, 30, tzinfo=UTC)),
        ("2026-03-02T09:00:00.1234567Z", datetime(2026, 3, 2, 9, tzinfo=UTC)),
    ],
)
def test_instants_are_utc_however_they_are_written(written: str, meant: datetime) -> None:
    ((_, _, item),) = rows_of(items(f"<t:Start>{written}</t:Start><t:End>{written}</t:End>"))
    assert item.starts_at == meant
    assert item.starts_at.tzinfo is UTC


def test_a_creation_that_cannot_be_read_is_as_good_as_none() -> None:
    texts = ("2026-03-01T09:00:00Z", "once upon a time", "0001-01-01T00:00:00+14:00")
    rows = rows_of(
        items(*(f"{TIMES}<t:DateTimeCreated>{text}</t:DateTimeCreated>" for text in texts))
    )
    assert [item.created_at for _, _, item in rows] == [
        datetime(2026, 3, 1, 9, tzinfo=UTC),
        None,
        None,
    ]


@pytest.mark.parametrize("content", ["", "<t:Start>soon</t:Start><t:End>later</t:End>"])
def test_an_item_without_times_is_an_error(content: str) -> None:
    with pytest.raises(ReadError, match=r"^MalformedItem$"):
        rows_of(items(content))


def test_an_item_without_an_id_is_an_error() -> None:
    document = f'<t:Items xmlns:t="{T}"><t:CalendarItem>{TIMES}</t:CalendarItem></t:Items>'
    with pytest.raises(ReadError, match=r"^MalformedResponse$"):
        rows_of(parse_strictly(document.encode()))
