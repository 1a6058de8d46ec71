"""The page for analysts is true: its commands run, and print the output that it shows."""

import contextlib
import io
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.analyst.office import publish_office

ROOT = Path(__file__).parents[2]
SECTION = re.compile(r"<!-- analyst -->\n(.*)<!-- /analyst -->", re.DOTALL)
BLOCK = re.compile(r"^```(python|console|text)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def blocks() -> list[tuple[str, str]]:
    section = SECTION.search((ROOT / "docs/analysts.md").read_text(encoding="utf-8"))
    assert section
    return BLOCK.findall(section[1])


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("office")
    publish_office(directory)
    return directory


def printed_by(code: str, names: dict[str, Any]) -> str:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "analysts.md", "exec"), names)
    return printed.getvalue()


def without_margins(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip().splitlines()]


def test_every_python_block_runs_and_prints_what_is_shown_below_it(
    office: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(office)
    names: dict[str, Any] = {}
    shown = blocks()
    code = [number for number, (language, _) in enumerate(shown) if language == "python"]
    assert len(code) >= 3
    for number in code:
        printed = printed_by(shown[number][1], names)
        language, text = shown[number + 1] if number + 1 < len(shown) else ("", "")
        expected = text if language == "text" else ""
        assert without_margins(printed) == without_margins(expected), shown[number][1]


def test_every_insights_command_prints_what_is_shown_below_it(office: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    consoles = [text for language, text in blocks() if language == "console"]
    commands = [text for text in consoles if text.startswith("$ insights")]
    assert commands
    for text in commands:
        command, _, expected = text.removeprefix("$ ").partition("\n")
        ended = subprocess.run(
            command,
            shell=True,
            cwd=office,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            check=True,
        )
        printed = [line.expandtabs() for line in without_margins(ended.stdout)]
        assert printed == [line.expandtabs() for line in without_margins(expected)], command


def test_a_chart_is_among_what_is_shown() -> None:
    assert any("█" in text for language, text in blocks() if language == "text")
