"""Files that cannot be read, or that are neither YAML nor text."""

from pathlib import Path

import pytest

from pipelines.settings import SettingsError, load_settings
from tests.settings.company import EU, Company


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: 1\nb: [1", "line 2, column"),
        ("a:\n\t- b", "line 2, column 1: is not valid YAML (found character '\\t'"),
        ("password: *hunter2", "line 1, column 11: is not valid YAML (found undefined alias this)"),
        ("a: !hunter2 x", "line 1, column 4: is not valid YAML"),
        ("a: 1\nb: 2\na: 3", "line 3, column 1: is not valid YAML (the same key stands above)"),
        ("? [a, b]\n: 1", "is not valid YAML"),
        ("[" * 3000, "is not valid YAML"),
        ("- a\n- b", "must be keys and values"),
        ("hunter2", "must be keys and values"),
        ("", "is empty; remove it, and write one with 'insights init'"),
        ("{}", "is empty; remove it, and write one with 'insights init'"),
        ("- a\n".encode("utf-16"), "must be keys and values"),
        (b"a\0:\0\0\xd8", "line 1: is not UTF-8"),
        ("a: 1\nb: \x01", "line 2: holds an unprintable character; remove it"),
        ("a: !!bool hunter2", "write plain values, without tags or odd numbers"),
        ("a: !!timestamp hunter2", "write plain values, without tags or odd numbers"),
        ('a: "\\ud800"', "line 1, column 4: is not valid YAML (an escape stands for half a"),
        (b"a: \xff", "line 1: is not UTF-8"),
    ],
)
def test_a_file_that_is_no_yaml_mapping_is_refused_with_its_place(
    company: Company, text: str | bytes, reason: str
) -> None:
    company.files["insights.yaml"] = text
    (line,) = company.problems()
    assert line.startswith("insights.yaml: ")
    assert reason in line
    assert "hunter2" not in line


def test_a_date_that_no_calendar_has_is_refused_at_its_key(company: Company) -> None:
    company.load()
    broken = (company.folder / "insights.yaml").read_text(encoding="utf-8")
    company.files["insights.yaml"] = broken.replace(
        "  EU:\n", "  EU:\n    closures: [{from: 2026-02-30, to: 2026-03-01}]\n"
    )
    (line,) = company.problems()
    assert line.startswith("insights.yaml: regions.EU.closures.0.from: must be a date")


def test_a_configuration_that_is_not_there_is_refused_in_one_line(company: Company) -> None:
    with pytest.raises(SettingsError) as refusal:
        load_settings(company.folder / "none.yaml", None)
    (line,) = refusal.value.problems
    assert line.startswith(f"{company.folder / 'none.yaml'}: there is no such file; write one")


def test_a_folder_in_place_of_the_configuration_is_refused_in_one_line(company: Company) -> None:
    with pytest.raises(SettingsError) as refusal:
        load_settings(company.folder, None)
    (line,) = refusal.value.problems
    assert line.startswith(f"{company.folder}: is a folder, not a file; write one")


@pytest.mark.parametrize(
    ("rooms", "reason"),
    [
        (
            "rooms.csv",
            "rooms.csv: there is no such file; name the room directory in rooms, or write one with",
        ),
        (".", "is a folder, not a file; name the room directory in rooms"),
        ("loop", "loop: cannot be read (Too many levels of symbolic links); name the room"),
        ("x" * 300, "cannot be read (File name too long); name the room directory in rooms"),
    ],
)
def test_a_room_directory_that_cannot_be_read_is_refused(
    company: Company, rooms: str, reason: str
) -> None:
    (company.folder / "loop").symlink_to("loop")
    company.eu["rooms"] = rooms
    (line,) = company.problems()
    assert reason in line


def test_a_room_directory_that_this_account_may_not_read_is_told_so(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> bytes:
        if path.suffix == ".csv":
            raise PermissionError(13, "Permission denied", str(path))
        with path.open("rb") as file:
            return file.read()

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert company.problems(EU) == [
        "rooms-eu.csv: this account may not read it; change its owner or mode"
    ]
