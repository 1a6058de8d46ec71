"""Every error that refuses the room CSV names file, line, room and column, but no address.

The kind of fault: files as Excel and PowerShell write them. Unambiguous ones are read; others get
one line with the remedy.
"""

import pytest

from tests.settings.company import EWS, Company, room, rooms

PLAIN = "room_id,address,time_zone\nfjord,fjord@contoso.example,Europe/Copenhagen\n"

CELLS: dict[str, tuple[dict[str, str], str]] = {
    "no zone": ({"time_zone": ""}, "time_zone: is missing; add it"),
    "unknown zone": (
        {"time_zone": "Europe/Kopenhagen"},
        "time_zone: 'Europe/Kopenhagen' is no IANA time zone; did you mean Europe/Copenhagen?",
    ),
    "a zone far off": ({"time_zone": "??"}, "time_zone: '??' is no IANA time zone; write one such"),
    "no mailbox": ({"address": ""}, "address: is missing; add it"),
    "half a mailbox": ({"address": "ann.x.example"}, "address: is no mailbox address"),
    "two mailboxes": ({"address": "a@x.example; b@x.example"}, "address: is no mailbox address"),
    "unknown country": ({"country": "dk"}, "country: 'dk' is no country of ISO 3166; did you mean"),
    "a country in three letters": (
        {"country": "GBR"},
        "country: 'GBR' is no country of ISO 3166; write its two letters, such as GB",
    ),
    "a zone as Windows names it": (
        {"time_zone": "W. Europe Standard Time"},
        "time_zone: 'W. Europe Standard Time' is no IANA time zone; write one such as Europe/",
    ),
    "a country's name": (
        {"country": "Germany"},
        "country: 'Germany' is no country of ISO 3166; write its two letters, such as GB",
    ),
    "subdivision of nothing": ({"subdivision": "BY"}, "subdivision: needs a country"),
    "unknown subdivision": (
        {"country": "DE", "subdivision": "XX"},
        "subdivision: DE has no holidays of 'XX' alone; leave it empty (known: Augsburg, BB",
    ),
    "no seats": ({"capacity": "0"}, "capacity: must be a whole number from 1 on; leave it empty"),
    "minus one seat": ({"capacity": "-1"}, "capacity: must be a whole number"),
    "half a seat": ({"capacity": "8.5"}, "capacity: must be a whole number"),
    "seats in words": ({"capacity": "eight"}, "capacity: must be a whole number"),
    "seats in other digits": ({"capacity": "٣"}, "capacity: must be a whole number"),
    "too many seats": ({"capacity": "9999999"}, "capacity: must be a whole number"),
    "unknown type": ({"room_type": "lounge"}, "room_type: 'lounge' is no room type; "),
    "open hours": ({"open_hours": "Mo-Fr 8-18"}, "open_hours: '8-18' is no interval"),
    "an address as open hours": ({"open_hours": "a@x 8-18"}, "open_hours: these are no opening"),
    "no date": ({"opened_on": "01.02.2026"}, "opened_on: must be a date such as 2026-12-24"),
    "closed before opened": (
        {"opened_on": "2026-02-01", "closed_on": "2026-02-01"},
        "closed_on: must be after opened_on",
    ),
    "an address as a name": ({"name": "Ann a@x.example"}, "name: holds an address"),
    "a line break": ({"building": "H\nQ"}, "building: holds a line break"),
    "unknown exchange": (
        {"exchange": "hx"},
        "exchange: no exchange 'hx' in this region; known: h2, hq",
    ),
}


@pytest.mark.parametrize("name", CELLS)
def test_a_wrong_cell_is_refused_with_file_line_room_and_column(
    company: Company, name: str
) -> None:
    cells, reason = CELLS[name]
    company.eu["exchanges"] = {"hq": dict(EWS), "h2": dict(EWS)}
    company.files["rooms-eu.csv"] = rooms(room(1, exchange="hq"), room(2, exchange="h2") | cells)
    (line,) = company.problems()
    assert line.startswith("rooms-eu.csv: line ")
    assert f", room eu-2, {reason}" in line
    assert "@x" not in line


@pytest.mark.parametrize(
    ("room_id", "reason"),
    [
        ("", "is missing"),
        ("  ", "is missing"),
        ("ann@contoso.example", "holds an @"),
        ("eu-2 ", "begins or ends with a space"),
        ("\u00a0eu-2", "holds a control or invisible"),
        ("eu\t2", "holds a control or invisible"),
    ],
)
def test_a_room_id_is_never_empty_nor_an_address_nor_hard_to_see(
    company: Company, room_id: str, reason: str
) -> None:
    company.files["rooms-eu.csv"] = rooms(room(1), room(2, room_id=room_id))
    (line,) = company.problems()
    assert line.startswith(f"rooms-eu.csv: line 3, room_id: {reason}")
    assert "contoso" not in line


def test_a_room_is_listed_once_whatever_its_case(company: Company) -> None:
    company.files["rooms-eu.csv"] = rooms(
        room(1), room(2, room_id="EU-1"), room(3, address="EU1@contoso.EXAMPLE")
    )
    assert company.problems() == [
        "rooms-eu.csv: line 3, room EU-1, room_id: the same as on line 2; list every room once",
        "rooms-eu.csv: line 4, room eu-3, address: the same as on line 2; list every room once",
    ]


@pytest.mark.parametrize("column", ["room_id", "address", "time_zone"])
def test_a_missing_column_is_said_once(company: Company, column: str) -> None:
    rows = [room(number) for number in range(5)]
    for row in rows:
        del row[column]
    company.files["rooms-eu.csv"] = rooms(*rows)
    assert company.problems() == [f"rooms-eu.csv: line 1, {column}: this column is missing; add it"]


def test_an_unknown_column_is_refused_with_the_nearest_known(company: Company) -> None:
    company.files["rooms-eu.csv"] = rooms(room(1, capacty="5"))
    assert company.problems() == [
        "rooms-eu.csv: line 1: unknown column 'capacty'; did you mean capacity?"
    ]


def test_a_column_in_other_letters_is_told_its_own(company: Company) -> None:
    company.files["rooms-eu.csv"] = rooms(room(1, Open_Hours="closed"))
    assert company.problems() == [
        "rooms-eu.csv: line 1: unknown column 'Open_Hours'; did you mean open_hours?"
    ]


def test_a_column_that_is_there_twice_is_refused(company: Company) -> None:
    company.files["rooms-eu.csv"] = "room_id,address,time_zone,name,name\nr,a@b,UTC,x,y\n"
    (line,) = company.problems()
    assert line == "rooms-eu.csv: line 1, name: this column is there twice; remove one"


def test_an_exchange_is_needed_where_the_region_has_several(company: Company) -> None:
    company.eu["exchanges"] = {"hq": dict(EWS), "lab": dict(EWS)}
    company.files["rooms-eu.csv"] = rooms(room(1, exchange="hq"), room(2))
    (line,) = company.problems()
    assert line == (
        "rooms-eu.csv: line 3, room eu-2, exchange: is missing, and the region has several; "
        "known: hq, lab"
    )


def test_an_exchange_that_no_room_names_is_said_once(company: Company) -> None:
    company.eu["exchanges"] = {"hq": dict(EWS), "lab": dict(EWS)}
    company.files["rooms-eu.csv"] = rooms(room(1), room(2), room(3))
    (line,) = company.problems()
    assert line.startswith("rooms-eu.csv: exchange: the region has several, and no room says")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "rooms-eu.csv: is empty; write the columns, then a room a line"),
        (" \n,,\n", "rooms-eu.csv: is empty; write the columns, then a room a line"),
        ("\n\nroom_id,address\n", "line 3, time_zone: this column is missing; add it"),
        ("sep=;\nroom_id;address\n", "line 2, time_zone: this column is missing; add it"),
        (b"PK\x03\x04\x14\0", "rooms-eu.csv: is an Excel workbook, not text; save it as CSV UTF-8"),
        ("room_id,address,time_zone\n", "rooms-eu.csv: lists no room"),
        ("room_id|address|time_zone\n", "line 1, room_id: this column is missing; add it"),
        (
            "room_id;address;time_zone\nr;a@b;UTC;x\n",
            "line 2: has 4 values for 3 columns; put a value that holds a semicolon in double",
        ),
        ('room_id,address,time_zone\n"r"x,a@b,UTC\n', "line 2: quotes do not match"),
        ('room_id,address,time_zone\n"r,a@b,UTC\nr2,b@b,UTC\n', "line 2: quotes do not match"),
        (PLAIN + PLAIN, "line 3: repeats the names of the columns; remove this line"),
        (
            "room_id,address,time_zone,open_hours\nr,a@b,UTC,Mon 08:00-12:00, 13:00-18:00\n",
            "line 2: has 5 values for 4 columns; put a value that holds a comma in double quotes",
        ),
        ("room_id;address;time_zone\nr;a@b;UTC;x\n", "line 2: has 4 values for 3 columns; put a"),
        ("room_id,address,time_zone\n".encode("utf-16"), "rooms-eu.csv: lists no room"),
        ("room_id,address,time_zone,,\nr,a@b,UTC,,x\n", "line 2: has 5 values for 3 columns"),
        ("room_id,address,time_zone\nr,a@b,UTC\n\xe9".encode("latin-1"), "line 3: is not UTF-8"),
        (b"\xff\xfe" + "room_id,address\n".encode("utf-16-le") + b"\0\xd8", "is not UTF-8"),
    ],
)
def test_a_file_that_is_no_room_csv_is_refused_with_its_line(
    company: Company, text: str | bytes, reason: str
) -> None:
    company.files["rooms-eu.csv"] = text
    assert reason in company.problems()[0]


@pytest.mark.parametrize(
    "content",
    [
        "#TYPE Selected.Microsoft.Exchange.Data.Directory.Management.Mailbox\n" + PLAIN,
        '"#TYPE Selected.Mailbox"\r\n' + PLAIN.replace("\n", "\r\n"),
        "sep=,\n" + PLAIN,
        "sep=;\n" + PLAIN.replace(",", ";"),
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", "\t"),
        PLAIN.replace("zone\n", "zone,,\n"),
        PLAIN.replace("Copenhagen\n", "Copenhagen,,\n"),
        PLAIN.replace("Copenhagen\n", "Copenhagen,,\n,,,,\n"),
        PLAIN.replace("fjord@", "SMTP:fjord@"),
        PLAIN.replace("fjord@contoso.example", '"Fjord <smtp:fjord@contoso.example>"'),
        PLAIN.encode("utf-16"),
        PLAIN.encode("utf-16-le"),
        PLAIN.encode("utf-16-be"),
        b"\xef\xbb\xbf" + PLAIN.encode(),
        PLAIN.replace("\n", "\r"),
        b"\xff\xfe" + PLAIN.replace(",", "\t").encode("utf-16-le"),
    ],
)
def test_a_room_csv_is_read_as_excel_and_powershell_save_it(
    company: Company, content: str | bytes
) -> None:
    company.files["rooms-eu.csv"] = content
    (found,) = company.load().regions["EU"].rooms
    assert (found.room_id, found.address) == ("fjord", "fjord@contoso.example")
    assert found.time_zone == "Europe/Copenhagen"


def test_a_mailbox_written_in_two_ways_is_one_mailbox(company: Company) -> None:
    company.files["rooms-eu.csv"] = rooms(
        room(1, address="a@x.example"), room(2, address="SMTP:A@X.example.")
    )
    (line,) = company.problems()
    assert "the same as on line 2; list every room once" in line


def test_cells_left_out_at_the_end_of_a_row_are_empty(company: Company) -> None:
    company.files["rooms-eu.csv"] = "room_id,address,time_zone,name,floor\nr,a@b,UTC\n"
    (found,) = company.load().regions["EU"].rooms
    assert (found.room_id, found.name, found.floor) == ("r", None, None)


def test_space_around_cells_is_ignored(company: Company) -> None:
    company.files["rooms-eu.csv"] = " room_id , address,time_zone ,name\nr, a@b , UTC,  The den \n"
    (found,) = company.load().regions["EU"].rooms
    assert (found.address, found.time_zone, found.name) == ("a@b", "UTC", "The den")


def test_lines_are_counted_from_the_top_of_the_file(company: Company) -> None:
    company.files["rooms-eu.csv"] = "#TYPE x\nsep=,\n\nroom_id,address,time_zone\nr,a@b,Mars\n"
    (line,) = company.problems()
    assert line.startswith("rooms-eu.csv: line 5, room r, time_zone: 'Mars' is no IANA time zone")


def test_a_cell_may_hold_characters_that_python_takes_for_line_ends(company: Company) -> None:
    company.files["rooms-eu.csv"] = rooms(room(1, name="Caf\x0b\u00e9"), room(2))
    (line,) = company.problems()
    assert "line 2, room eu-1, name: holds a line break or control character" in line
