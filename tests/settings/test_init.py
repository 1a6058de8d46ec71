"""``insights init``: from nothing to the first night, over both protocols; nothing overwritten."""

import csv
import os
import pty
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines import cli
from pipelines.sandbox.server import Served, serving
from pipelines.settings import EwsExchange, GraphExchange, load_settings

SECRET = "INSIGHTS_APAC_SECRET"


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.delenv("INSIGHTS_REGIONS", raising=False)
    monkeypatch.delenv(SECRET, raising=False)
    with serving(["APAC"], tmp_path / "sandbox", rooms=6) as (found,):
        yield found


def insights(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main([*arguments])
    return int(ended.value.code or 0)


def options(served: Served, kind: str) -> list[str]:
    own = {
        "ews": {"--endpoint": served.url, "--username": served.username},
        "graph": {
            "--endpoint": served.graph_url,
            "--authority": served.graph_url,
            "--tenant-id": served.tenant_id,
            "--client-id": served.client_id,
            "--domain": "contoso.example, fabrikam.example",
        },
    }[kind]
    common = {
        "--region": "apac",
        "--time-zone": "Asia/Singapore",
        "--kind": kind,
        "--secret-env": SECRET,
        "--ca-file": served.ca_file,
    }
    return [part for pair in (own | common).items() for part in pair]


def secret_of(served: Served, kind: str) -> str:
    return served.client_secret if kind == "graph" else served.password


@pytest.mark.parametrize("kind", ["ews", "graph"])
def test_what_it_writes_is_checked_and_read_as_it_is(
    served: Served,
    empty_history: Path,
    tmp_path: Path,
    kind: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    own = tmp_path / "own"
    monkeypatch.setenv(SECRET, secret_of(served, kind))
    assert insights("init", str(own), "--write-rooms", *options(served, kind)) == 0
    told = capsys.readouterr().out.splitlines()
    config = own / "insights.yaml"
    assert told[0] == f"{config}: written"
    assert not any("not in the directory" in line for line in told)  # init has just written it
    assert told[-2:] == [
        f"  insights check --config {config}",
        f"  insights run --config {config} --region APAC",
    ]
    assert secret_of(served, kind) not in config.read_text().replace(served.ca_file, "").split()
    if kind == "graph":  # Australia has several zones, so its room's is left to the operator
        assert f"  fill in a cell of {own / 'rooms-apac.csv'}; check says which" in told
        _fill_in_zones(own / "rooms-apac.csv", "Australia/Sydney")
    apac = load_settings(config, None).regions["APAC"]
    (exchange,) = apac.exchanges.values()
    assert isinstance(exchange, EwsExchange if kind == "ews" else GraphExchange)
    assert "contoso.example" in apac.accepted_domains
    assert len(apac.rooms) >= 5  # a room outside the lists is not found
    shutil.copytree(empty_history, own / ".dagster")
    assert insights("check", "--config", str(config)) == 0
    days = ["--from", "2026-11-02", "--to", "2026-11-04"]
    assert insights("run", "--config", str(config), "--region", "APAC", *days) == 0
    assert Path(str(apac.warehouse), "insights-apac.duckdb").exists()


def _fill_in_zones(directory: Path, time_zone: str) -> None:
    with directory.open(newline="") as file:
        rows = list(csv.DictReader(file))
    with directory.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        for row in rows:
            writer.writerow(row | {"time_zone": row["time_zone"] or time_zone})


def test_without_signing_in_the_directory_has_its_columns_and_no_room(
    served: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "own"
    assert insights("init", str(own), *options(served, "ews")) == 0
    told = capsys.readouterr().out
    rooms = own / "rooms-apac.csv"
    assert f"add your rooms to {rooms}" in told
    assert f"export {SECRET}=..." in told
    with rooms.open(newline="") as file:
        (header,) = csv.reader(file)
    assert header[:3] == ["room_id", "address", "exchange"]
    assert insights("check", "--config", str(own / "insights.yaml")) == 2
    assert "lists no room; add one a line" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["insights.yaml", "rooms-apac.csv"])
def test_nothing_that_exists_is_written_over(
    served: Served, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_text("mine")
    assert insights("init", str(tmp_path), *options(served, "graph")) == 2
    assert f"{tmp_path / name}: exists, and is never written over" in capsys.readouterr().err
    assert (tmp_path / name).read_text() == "mine"
    assert not {"insights.yaml", "rooms-apac.csv"} - {name} & {
        each.name for each in tmp_path.iterdir()
    }


def test_a_secret_that_is_not_set_leaves_the_rooms_for_later(
    served: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "own"
    assert insights("init", str(own), "--write-rooms", *options(served, "graph")) == 1
    told = capsys.readouterr()
    assert f"{SECRET} is not set: no room was listed" in told.err
    last = told.out.splitlines()[-1]
    assert last.endswith(f"--region APAC --write-rooms {own / 'rooms-apac.csv'}")
    assert not (own / "rooms-apac.csv").exists()


def test_the_command_that_it_ends_with_lists_the_rooms_later(
    served: Served,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    own = tmp_path / "own"
    insights("init", str(own), "--write-rooms", *options(served, "graph"))
    command = capsys.readouterr().out.splitlines()[-1].split()
    monkeypatch.setenv(SECRET, served.client_secret)
    assert command[0] == "insights"
    assert insights(*command[1:]) == 0
    _fill_in_zones(own / "rooms-apac.csv", "Australia/Sydney")
    assert load_settings(own / "insights.yaml", None).regions["APAC"].rooms


def test_a_password_that_is_refused_leaves_the_rooms_for_later(
    served: Served,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(SECRET, "wrong")
    assert insights("init", str(tmp_path / "own"), "--write-rooms", *options(served, "ews")) == 1
    assert "--write-rooms" in capsys.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--time-zone", "Asia/Singapur", "--time-zone: 'Asia/Singapur' is no IANA time zone; did"),
        ("--endpoint", "http://x", "--endpoint: must begin with https://"),
        ("--kind", "imap", "--kind: 'imap' is not one of 'ews', 'graph'"),
        ("--secret-env", "hunter2", "--secret-env: must be the name of an environment variable"),
        ("--region", "a b", "--region: 'a b' cannot be a region's name"),
        ("--domain", "@x", "--domain: this is no domain"),
        ("--ca-file", "nowhere.pem", "ca_file: this file does not exist"),
    ],
)
def test_a_wrong_option_is_refused_and_nothing_is_written(
    served: Served,
    tmp_path: Path,
    option: str,
    value: str,
    told: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    own = tmp_path / "own"
    assert insights("init", str(own), *options(served, "ews"), option, value) == 2
    assert told in capsys.readouterr().err
    assert not own.exists() or not list(own.iterdir())


def test_without_a_terminal_a_missing_option_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert insights("init", str(tmp_path), "--region", "EU", "--time-zone", "UTC") == 2
    assert "--kind is missing; add it" in capsys.readouterr().err


def test_on_a_terminal_what_is_missing_is_asked(served: Served, tmp_path: Path) -> None:
    own = tmp_path / "own"
    ours, theirs = pty.openpty()
    command = [str(Path(sys.executable).with_name("insights")), "init", str(own)]
    command += ["--ca-file", served.ca_file]
    answers = ["eu", "Asia/Nowhere", "Asia/Singapore", "ews", served.url, "", served.username]
    answers += ["", "", "y", served.password]  # variable and domain: the defaults
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        told = _talk(ours, answers)
        code = process.wait(60)
    os.close(ours)
    assert code == 0, told
    assert "'Asia/Nowhere' is no IANA time zone" in told
    assert told.count(served.password) == told.count(f"{served.password}/")  # never shown
    assert "insights run --config" in told.splitlines()[-1]
    eu = load_settings(own / "insights.yaml", None).regions["EU"]
    assert eu.time_zone == "Asia/Singapore"
    assert eu.rooms


def _talk(terminal: int, answers: list[str]) -> str:
    """Answer each question once it is shown; return the whole output."""
    shown, waiting, until = "", list(answers), time.monotonic() + 120
    while time.monotonic() < until:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            read = os.read(terminal, 4096)
        except OSError:  # the other side is closed
            break
        if not read:
            break
        shown += read.decode()
        if waiting and shown.rstrip(" ").endswith(":"):
            os.write(terminal, f"{waiting.pop(0)}\n".encode())
    return shown
