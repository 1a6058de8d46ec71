"""The page of twelve questions is true: every query and command prints the output shown there.

After a change, ``python -m tests.questions.test_questions_page`` rewrites the output.
"""

import contextlib
import io
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import warehouse
from pipelines import cli
from tests.privacy.statistics.attacker import attack
from tests.privacy.statistics.knowledge import read_night
from tests.questions.office import publish_company

PAGE = Path(__file__).parents[2] / "docs/questions.md"
ANSWERED = re.compile(
    r"^```(sql|console)\n(.*?)^```\n\n```text\n(.*?)^```$", re.DOTALL | re.MULTILINE
)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("company")
    publish_company(folder)
    return folder


def answer(language: str, question: str, folder: Path) -> str:
    """Return what a query or an ``insights`` command prints, without margins."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        if language == "console":
            with contextlib.chdir(folder), contextlib.suppress(SystemExit):
                words = question.removeprefix("$ insights ").replace("\\\n", " ").split()
                cli.main(words)
        else:
            bookings = question.startswith("-- needs the database with bookings\n")
            with warehouse.connect(
                "EU", warehouse=folder / "eu/warehouse", bookings=bookings
            ) as connection:
                connection.sql(question).show(max_rows=50, max_width=110)
    return "".join(f"{line.rstrip()}\n" for line in printed.getvalue().strip().splitlines())


def answered() -> Iterator[re.Match[str]]:
    return ANSWERED.finditer(PAGE.read_text(encoding="utf-8"))


def test_every_question_is_answered_with_what_it_really_prints(company: Path) -> None:
    shown = list(answered())
    for each in shown:
        assert answer(each[1], each[2], company) == each[3], each[2]
    assert len(shown) >= 12


def test_a_solver_infers_no_small_count_from_the_statistics_of_the_page(company: Path) -> None:
    path = company / "eu/warehouse/insights-eu-statistics.duckdb"
    found = attack([read_night(path)], minimum_group=5)
    assert (found.tried > 0, found.found) == (True, ())


def test_there_are_twelve_questions_each_with_how_to_read_it() -> None:
    questions = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    assert len(questions) == 12
    for question in questions:
        assert ANSWERED.search(question), question
        assert "**How to read it.**" in question, question


def _renew() -> None:
    with tempfile.TemporaryDirectory() as name:
        publish_company(Path(name))

        def renewed(each: re.Match[str]) -> str:
            text = answer(each[1], each[2], Path(name))
            return f"```{each[1]}\n{each[2]}```\n\n```text\n{text}```"

        page = ANSWERED.sub(renewed, PAGE.read_text(encoding="utf-8"))
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    os.environ.pop("INSIGHTS_CONFIG", None)
    _renew()
