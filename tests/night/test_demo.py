"""The demo changes only its own files, and says what it needs."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from pipelines import cli
from pipelines.cli.demo import demo, somebody_elses_file, write_configuration


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


def test_without_the_extra_one_line_says_how_to_install_it(tmp_path: Path) -> None:
    # In its own process: a module loaded twice has classes that differ from each other.
    without_faker = (
        "import sys; sys.modules['faker'] = None; from pipelines import cli\n"
        "for command in ('demo', 'sandbox'):\n"
        "    try:\n"
        "        cli.main([command, '--dir', sys.argv[1]])\n"
        "    except SystemExit as ended:\n"
        "        print(ended.code)\n"
    )
    arguments = [sys.executable, "-c", without_faker, str(tmp_path / "demo")]
    finished = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert finished.stdout.split() == ["2", "2"]
    lines = finished.stderr.splitlines()
    for command, line in zip(("demo", "sandbox"), lines, strict=True):
        assert line.endswith(
            f"insights {command} needs what is not installed: pip install 'room-insights[demo]'"
        )


def test_a_demo_reads_100_days_and_its_later_nights_what_any_night_reads(tmp_path: Path) -> None:
    days = next(option for option in demo.params if option.name == "days")
    assert days.default == 100
    settings = yaml.safe_load(write_configuration(tmp_path, (), rooms=10).read_text())
    assert (settings["trailing_days"], settings["ahead_days"]) == (14, 180)
