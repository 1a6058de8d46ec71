"""Calendar processing: which files are understood, and which settings make figures doubtful."""

import csv
import io
from pathlib import Path

import pytest

from pipelines.check.processing import doubts_of
from tests.check.asking import CheckNow
from tests.night.workplace import Company

GOOD = {
    "Identity": "contoso.example/Rooms/fjord",
    "AutomateProcessing": "AutoAccept",
    "AllowConflicts": "False",
    "BookingWindowInDays": "180",
    "MaximumDurationInMinutes": "1440",
    "DeleteSubject": "True",
    "DeleteComments": "True",
    "AddOrganizerToSubject": "True",
    "RemovePrivateProperty": "False",
    "TentativePendingApproval": "True",
    "EnableAutoRelease": "False",
    "PostReservationMaxClaimTimeInMinutes": "10",
}
TYPE = "#TYPE Microsoft.Exchange.Management.StoreTasks.CalendarConfiguration\r\n"


def exported(*rows: dict[str, str], separator: str = ",") -> str:
    """Return what Export-Csv writes: everything in quotes."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(GOOD), delimiter=separator, quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(GOOD | row for row in rows)
    return text.getvalue()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "processing.csv"


def test_a_room_with_sound_settings_leaves_nothing_to_doubt(check: CheckNow, file: Path) -> None:
    file.write_text(exported({}, {"Identity": "harbour"}))
    checked = check("--calendar-processing", str(file))
    assert checked.code == 0
    assert checked.line_of("2 rooms").endswith("nothing to doubt")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_what_powershell_writes_is_understood(
    check: CheckNow, file: Path, encoding: str, separator: str
) -> None:
    text = TYPE + exported({"AllowConflicts": "True"}, separator=separator)
    file.write_bytes(text.encode(encoding))
    out = check("--calendar-processing", str(file)).out
    assert "AllowConflicts True  fjord" in out
    assert "headcounts are too high" in out
    assert "PS> Set-CalendarProcessing 'fjord@rooms.contoso.example' -AllowConflicts $false" in out
    assert "not in the file  harbour" in out


@pytest.mark.parametrize(
    "identity",
    ["fjord@rooms.contoso.example", "FJORD", "contoso.example/Rooms/Copenhagen/Fjord"],
)
def test_a_room_is_found_by_address_or_name(check: CheckNow, file: Path, identity: str) -> None:
    file.write_text(exported({"Identity": identity}))
    assert check("--calendar-processing", str(file)).line_of("1 room").endswith("nothing to doubt")


def test_a_mailbox_that_is_no_room_is_counted_and_never_named(check: CheckNow, file: Path) -> None:
    file.write_text(exported({"Identity": "contoso.example/People/Berta Zq7Kx41Pers"}))
    checked = check("--calendar-processing", str(file))
    assert "1 row  no room of the directory" in checked.out
    assert "Zq7Kx41Pers" not in checked.out + checked.err


def test_rooms_with_the_same_doubt_share_a_line_and_a_command(check: CheckNow, file: Path) -> None:
    row = {"RemovePrivateProperty": "True"}
    file.write_text(exported(row, row | {"Identity": "harbour"}))
    out = check("--calendar-processing", str(file)).out
    assert "RemovePrivateProperty True  all 2 rooms" in out
    assert out.count("Set-CalendarProcessing $_ -RemovePrivateProperty $false") == 1


@pytest.mark.parametrize(
    ("name", "value", "figure", "remedy"),
    [
        ("AutomateProcessing", "None", "no figure can", "-AutomateProcessing AutoAccept"),
        ("AutomateProcessing", "AutoUpdate", "held_minutes", "-AutomateProcessing AutoAccept"),
        ("RemovePrivateProperty", "True", "is_private", "-RemovePrivateProperty $false"),
        ("AllowConflicts", "True", "gross_booked_minutes", "-AllowConflicts $false"),
        ("TentativePendingApproval", "False", "held_minutes", "-TentativePendingApproval $true"),
        ("BookingWindowInDays", "30", "from day 31 on", "-BookingWindowInDays 180"),
        ("BookingWindowInDays", "365", "after 180 days", "ahead_days: 365"),
        ("MaximumDurationInMinutes", "0", "utilization", "-MaximumDurationInMinutes 1440"),
        ("MaximumDurationInMinutes", "60", "durations", "-MaximumDurationInMinutes 1440"),
        ("DeleteSubject", "False", "no figure is affected", "-DeleteSubject $true"),
        ("DeleteComments", "False", "no figure is affected", "-DeleteComments $true"),
    ],
)
def test_each_setting_names_its_figure_and_its_remedy(
    name: str, value: str, figure: str, remedy: str
) -> None:
    row = {key.lower(): each for key, each in (GOOD | {name: value}).items()}
    [doubt] = doubts_of(row, 14, 180)
    assert doubt.setting == f"{name} {value}"
    assert figure in doubt.figures
    assert remedy in doubt.remedy


def test_a_room_that_accepts_nothing_by_itself_has_one_doubt() -> None:
    row = {"automateprocessing": "None", "allowconflicts": "True", "bookingwindowindays": "1"}
    assert [doubt.setting for doubt in doubts_of(row, 14, 180)] == ["AutomateProcessing None"]


def test_json_stays_a_list_and_the_doubts_go_to_standard_error(check: CheckNow, file: Path) -> None:
    file.write_text(exported({"AllowConflicts": "True"}))
    checked = check("--json", "--calendar-processing", str(file))
    assert len(checked.lines) == 3
    assert "AllowConflicts True" in checked.err


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"Name,Value\r\na,b\r\n", "has no columns Identity and AutomateProcessing"),
        (b'"Identity","AutomateProcessing"\r\n"a","b\r\n', "line 2: quotes do not match"),
        (b"\xff\xff\xff", "is not UTF-8"),
        (b"", "has no columns Identity and AutomateProcessing"),
        (None, "there is no such file; export it with"),
    ],
)
def test_another_file_is_a_usage_error_that_says_how_to_export(
    company: Company, check: CheckNow, file: Path, content: bytes | None, problem: str
) -> None:
    if content is not None:
        file.write_bytes(content)
    checked = check("--calendar-processing", str(file))
    assert checked.code == 2
    assert f"{file}: {problem}" in checked.err or problem in checked.err
    assert "Get-CalendarProcessing $room.Identity" in checked.err or "save the" in checked.err
    assert not list(company.tenant.log)


def test_rooms_that_are_released_when_nobody_comes_are_told_with_the_figures_that_it_moves(
    check: CheckNow, file: Path
) -> None:
    file.write_text(exported({"EnableAutoRelease": "True"}, {"Identity": "harbour"}))
    out = " ".join(check("--calendar-processing", str(file)).out.split())
    assert "EnableAutoRelease True, PostReservationMaxClaimTimeInMinutes 10 fjord" in out
    assert "cancellations and hours given back higher" in out
    assert "leaves the calendar 10 minutes after it began" in out
    assert "Remedy: compare these rooms only with each other." in out
    assert "EnableAutoRelease $" not in out  # nothing to fix
