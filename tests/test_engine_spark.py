"""Without Spark installed: one line, exit 2, and readers see no change."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from pipelines import cli
from tests.settings.company import Company


@pytest.mark.skipif(find_spec("pyspark") is not None, reason="pyspark is installed here")
@pytest.mark.parametrize("is_configured", [True, False])
def test_spark_that_is_not_installed_is_one_line_with_the_remedy(
    is_configured: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    company = Company(tmp_path)
    if is_configured:
        company.values["engine"] = "spark"
    company.load()
    asked = [] if is_configured else ["--engine", "spark"]
    config = str(tmp_path / "insights.yaml")
    with pytest.raises(SystemExit, match="2"):
        cli.main(["publish", "--region", "EU", "--config", config, *asked])
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: engine: spark needs p")
    assert line.endswith(" which is not installed: pip install 'room-insights[spark]'")
    assert not list((tmp_path / "eu").glob("warehouse/*.duckdb"))
