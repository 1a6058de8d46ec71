"""The list of commands is quick to show, complete and true."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import click
import pytest

from pipelines.cli import COMMANDS, cli, main

HEAVY = ("dagster", "duckdb", "exchangelib", "numpy", "pandas", "pyarrow", "pydantic", "rich")


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_wait_for_no_library_that_they_do_not_need(option: str) -> None:
    script = (
        "import sys; from pipelines.cli import cli\n"
        f"cli([{option!r}], standalone_mode=False)\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    command = [sys.executable, "-c", script]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert shown.splitlines()[-1] == "[]"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_that_is_listed_can_be_run_and_explains_itself(name: str) -> None:
    context = click.Context(cli)
    command = cli.get_command(context, name)
    assert command is not None
    assert command.name == name
    assert command.help


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_can_complete_the_commands_and_their_options(shell: str) -> None:
    insights = str(Path(sys.executable).with_name("insights"))
    asked = {
        "bash": {"COMP_WORDS": "insights pu", "COMP_CWORD": "1"},
        "zsh": {"COMP_WORDS": "insights pu", "COMP_CWORD": "1"},
        "fish": {"COMP_WORDS": "insights pu", "COMP_CWORD": "pu"},
    }
    environment = os.environ | asked[shell] | {"_INSIGHTS_COMPLETE": f"{shell}_complete"}
    offered = subprocess.run([insights], env=environment, capture_output=True, check=True)
    assert b"publish" in offered.stdout
    assert b"report" not in offered.stdout


def test_no_line_of_the_list_is_cut_in_80_columns() -> None:
    width = max(map(len, COMMANDS))
    assert all(width + len(summary) + 4 <= 80 for _, summary in COMMANDS.values())


@pytest.mark.parametrize("name", COMMANDS)
def test_no_placeholder_is_a_format(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert "[%" not in command.get_help(click.Context(command))


def test_a_command_that_does_not_exist_is_one_line_and_exit_2(
    capsys: pytest.CaptureFixture[str],
) -> None:
    from pipelines.cli import main

    with pytest.raises(SystemExit) as ended:
        main(["publsh"])
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "error: No such command 'publsh'; did you mean publish?"


def test_a_program_that_is_done_waits_for_no_thread_of_a_library() -> None:
    script = (
        "import sys, threading; from pipelines import cli\n"
        "threading.Thread(target=threading.Event().wait).start()\n"
        "sys.argv[1:] = ['describe', 'nope']\n"
        "cli.main()"
    )
    command = [sys.executable, "-c", script]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert ended.returncode == 2
    assert ended.stderr.startswith("error: nope: no such table; known: ")


def test_a_reader_who_has_seen_enough_is_no_error() -> None:
    insights = str(Path(sys.executable).with_name("insights"))
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(
        [insights, "describe"], stdout=writing, stderr=subprocess.PIPE, check=False, timeout=300
    )
    os.close(writing)
    assert ended.stderr == b""


def test_a_name_that_the_terminal_cannot_show_is_escaped() -> None:
    environment = os.environ | {"PYTHONIOENCODING": "iso-8859-1"}
    insights = str(Path(sys.executable).with_name("insights"))
    ended = subprocess.run(
        [insights, "describe", "łódź"],
        check=False,
        capture_output=True,
        env=environment,
        timeout=300,
    )
    assert ended.returncode == 2
    assert ended.stderr.startswith(b"error: \\u0142\xf3d\\u017a: no such table")


def test_a_python_that_reads_file_names_as_ascii_is_told_so_in_one_line() -> None:
    environment = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    insights = str(Path(sys.executable).with_name("insights"))
    ended = subprocess.run(
        [insights, "describe"], check=False, capture_output=True, env=environment, timeout=300
    )
    assert ended.returncode == 2
    assert ended.stderr.decode().splitlines() == [
        "error: file names are read as ASCII here; unset PYTHONUTF8, or set it to 1"
    ]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["run", "--region", "EU", "--from", "2026-02-30"], "'2026-02-30' is no date; write it"),
        (["run", "--region", "EU", "--to", "21.11.2026"], "'21.11.2026' is no date; write it"),
        (["mail", "--region", "EU", "--month", "2026-13"], "'2026-13' is no month; write it like"),
    ],
)
def test_a_day_that_is_none_is_told_how_to_write_one(
    capsys: pytest.CaptureFixture[str], arguments: list[str], reason: str
) -> None:
    from pipelines.cli import main

    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert reason in line


@pytest.mark.parametrize("closed", ["1>&-", "2>&-"])
def test_output_that_the_caller_closed_is_no_error(closed: str) -> None:
    insights = str(Path(sys.executable).with_name("insights"))
    command = ["sh", "-c", f'"{insights}" describe rooms {closed}']
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_an_error_of_the_disk_names_the_place_and_the_remedy(
    capsys: pytest.CaptureFixture[str],
) -> None:
    from pipelines.cli import exit_code

    assert exit_code(FileExistsError(17, "File exists", "/dev/null")) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line == (
        "error: /dev/null: File exists; see to its permissions and disk, or name another place"
    )


@pytest.mark.parametrize("name", ["run", "status"])
def test_a_second_region_is_refused_and_never_taken_in_place_of_the_first(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([name, "--region", "EU", "--region", "NA"])
    assert ended.value.code == 2
    assert "'--region': takes one region; run the command for each" in capsys.readouterr().err


def test_a_port_of_the_sandbox_that_is_taken_is_told_by_its_number(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with pytest.raises(SystemExit) as ended:
            main(["sandbox", "--rooms", "1", "--port", port, "--dir", str(tmp_path)])
    assert ended.value.code == 2
    assert f"--port {port}: Address already in use; name another" in capsys.readouterr().err
