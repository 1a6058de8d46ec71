"""The demo keeps its hands off what is not its own."""

from pathlib import Path

import pytest

from pipelines import cli
from pipelines.demo.setup import somebody_elses_file


@pytest.mark.parametrize("name", ["insights.yaml", "rooms-eu.csv", "rooms-na.csv"])
def test_a_folder_with_somebodys_own_configuration_is_refused_and_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    (tmp_path / name).write_text("an operator's own")
    with pytest.raises(SystemExit) as ended:
        cli.main(["demo", "--dir", str(tmp_path)])
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"the demo would write over {tmp_path / name}; name a folder of its own" in line
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "an operator's own"


def test_a_folder_of_an_earlier_demo_is_its_own(tmp_path: Path) -> None:
    (tmp_path / "sandbox").mkdir()
    (tmp_path / "insights.yaml").write_text("of the last demo")
    assert somebody_elses_file(tmp_path) is None
