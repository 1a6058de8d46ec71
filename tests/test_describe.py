"""The dictionary in a terminal is the contract's, in 80 columns and in a pipe."""

from io import StringIO

import pytest
from rich.console import Console

from pipelines import cli
from pipelines.cli.figures import show_table, show_tables
from transforms.contract.database import TABLES


def insights(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    return int(ended.value.code or 0)


def test_every_table_is_listed_with_its_definition(capsys: pytest.CaptureFixture[str]) -> None:
    assert insights("describe") == 0
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert lines == [[name, table.text] for name, table in TABLES.items()]


@pytest.mark.parametrize("table", TABLES)
def test_every_column_is_a_line_with_its_type_and_meaning(
    capsys: pytest.CaptureFixture[str], table: str
) -> None:
    assert insights("describe", table) == 0
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [(line[0], line[2]) for line in lines] == [
        (field.name, field.definition) for field in TABLES[table]
    ]
    assert [line[1].endswith("null") for line in lines] == [f.nullable for f in TABLES[table]]


@pytest.mark.parametrize("table", TABLES)
def test_a_terminal_of_80_columns_cuts_nothing(table: str) -> None:
    file = StringIO()
    console = Console(file=file, force_terminal=True, width=80, no_color=True, highlight=False)
    show_table(console, table)
    show_tables(console)
    shown = file.getvalue()
    words = set(shown.split())
    for field in TABLES[table]:
        assert {field.name, *field.definition.split()} <= words


def test_an_unknown_table_is_one_line_with_the_nearest_name_and_exit_2(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert insights("describe", "utilisation") == 2
    assert capsys.readouterr().err == (
        "error: utilisation: no such table; did you mean utilization?\n"
    )


def test_every_table_has_a_grain_of_columns_of_its_own() -> None:
    assert all(set(table.grain) <= set(table.names) for table in TABLES.values())
