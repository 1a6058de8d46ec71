"""The ODCS document agrees with the contract, and published statistics satisfy its rules."""

from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
import yaml

from pipelines import cli
from tests.marts.scenario import publish_scenario
from tests.marts.worked import everything
from tests.settings.company import Company
from transforms.contract.database import STATISTICS
from warehouse.dictionary import document
from warehouse.versions import parquet_pointer


def test_it_has_every_column_that_everybody_may_see_and_no_other() -> None:
    found: dict[str, Any] = yaml.safe_load(document("EU", Path("parquet-eu-statistics")))
    assert {
        table["name"]: [(each["name"], each["required"]) for each in table["properties"]]
        for table in found["schema"]
    } == {
        name: [(column.name, not column.nullable) for column in table]
        for name, table in STATISTICS.items()
    }


def test_its_server_and_its_rules_hold_of_what_is_published(tmp_path: Path) -> None:
    publish_scenario(tmp_path, everything(), export_parquet=True).close()
    folder = parquet_pointer(tmp_path / "warehouse", "EU", statistics=True)
    found: dict[str, Any] = yaml.safe_load(document("EU", folder))
    (server,) = found["servers"]
    connection = duckdb.connect()
    rules = 0
    for table in found["schema"]:
        path = server["path"].format(model=table["name"])
        rows = pq.read_table(path, partitioning=None)
        assert rows.column_names == [each["name"] for each in table["properties"]]
        connection.register(table["name"], rows)
        for rule in table.get("quality", ()):
            assert connection.execute(rule["query"]).fetchall() == [(rule["mustBe"],)]
            rules += 1
    assert rules == sum(1 for table in STATISTICS.values() if table.grain)


def test_describe_prints_it_for_a_region(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    warehouse = Company(tmp_path).load().regions["EU"].warehouse
    config = str(tmp_path / "insights.yaml")
    with pytest.raises(SystemExit, match="0"):
        cli.main(["describe", "--odcs", "--region", "EU", "--config", config])
    assert capsys.readouterr().out == document(
        "EU", parquet_pointer(warehouse, "EU", statistics=True)
    )


@pytest.mark.parametrize("arguments", [["--odcs"], ["--odcs", "rooms", "--region", "EU"]])
def test_without_a_region_it_is_refused_in_one_line(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        cli.main(["describe", *arguments])
    assert capsys.readouterr().err == "error: --odcs and --region go together, without a table\n"
