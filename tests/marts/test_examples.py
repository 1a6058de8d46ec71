"""The example queries answer, and say what the marts say."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.marts.scenario import Database, publish_scenario
from tests.marts.worked import everything
from warehouse import engine

EXAMPLES = sorted(
    path for path in (Path(engine.__file__).parent / "sql" / "examples").glob("*.sql")
)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    opened = publish_scenario(tmp_path_factory.mktemp("examples"), everything())
    yield opened
    opened.close()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_answers_with_rows(example: Path, database: Database) -> None:
    assert example.read_text().startswith("-- ")
    assert database.rows(example.read_text())


def test_utilization_by_building_and_month_is_what_room_days_add_up_to(database: Database) -> None:
    expected = database.rows(
        "SELECT building, month(local_date), sum(booked_minutes) / nullif(sum(open_minutes), 0) "
        "FROM room_days JOIN rooms USING (room_id) GROUP BY ALL"
    )
    personal = database.row("SELECT count(*) FROM utilization WHERE room_type = 'desk'")
    assert personal[0] > 0
    found = database.rows(
        _example("utilization_by_building_and_month").replace(
            "FROM utilization", "FROM utilization WHERE room_type <> 'desk'"
        )
    )
    assert {(row[0], row[1].month, row[4]) for row in found} == set(expected)


def test_the_comparison_ends_with_our_own_figure(database: Database) -> None:
    found = database.rows(_example("compare"))
    ours = database.row("SELECT sum(booked_minutes) / sum(open_minutes) FROM room_days")
    assert len(found) == 7
    assert found[-1][0].startswith("ours")
    assert found[-1][3] == ours[0]
    assert len({row[3] for row in found}) == 7


def _example(name: str) -> str:
    return next(path for path in EXAMPLES if path.stem == name).read_text()
