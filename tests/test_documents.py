"""The documents agree with the code."""

import re
import shutil
from pathlib import Path

import pytest

from pipelines.cli import COMMANDS
from pipelines.sandbox.wire import CertificateAuthority
from pipelines.settings import (
    ROOM_COLUMNS,
    AlertSettings,
    EmailKeys,
    EwsExchange,
    GraphExchange,
    RegionSettings,
    Settings,
    WebhookKeys,
    load_settings,
)
from warehouse.dictionary import markdown

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"


def test_the_data_dictionary_is_the_contracts() -> None:
    assert (ROOT / "docs/dictionary.md").read_text(encoding="utf-8") == markdown()


def test_the_readme_names_every_command() -> None:
    text = README.read_text(encoding="utf-8")
    assert not [name for name in COMMANDS if f"insights {name}" not in text]


def test_every_make_target_that_the_readme_names_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"`make ([a-z-]+)`", README.read_text(encoding="utf-8")))
    assert named
    assert named <= targets


@pytest.mark.parametrize(
    "document", ["README.md", *(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
)
def test_every_link_between_the_documents_leads_somewhere(document: str) -> None:
    path = ROOT / document
    for target in re.findall(r"\]\((?!http|#)([^)#]+)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target


def test_every_rule_has_a_test_named_after_it() -> None:
    names = {
        int(number)
        for path in (ROOT / "tests").rglob("test_*.py")
        for number in re.findall(r"def test_r(\d+)_", path.read_text(encoding="utf-8"))
    }
    assert set(range(1, 17)) <= names


def test_the_configuration_that_the_documents_show_can_be_loaded(
    tmp_path: Path, authority: CertificateAuthority
) -> None:
    document = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    shown = re.search(r"```yaml\n(.*?)```", document, re.DOTALL)
    assert shown
    (tmp_path / "insights.yaml").write_text(shown[1], encoding="utf-8")
    for name in ("corporate-ca.pem", "app.pem"):
        shutil.copy(authority.ca_file, tmp_path / name)
    (tmp_path / "rooms-eu.csv").write_text(
        "room_id,address,time_zone,exchange,building\n"
        "fjord,fjord@contoso.example,Europe/Copenhagen,headquarters,HQ\n"
    )
    settings = load_settings(tmp_path / "insights.yaml", None)
    assert set(settings.regions["EU"].exchanges) == {"headquarters", "cloud", "graph"}


def test_the_configuration_page_names_every_key_and_every_column() -> None:
    document = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    models = (Settings, RegionSettings, EwsExchange, GraphExchange, AlertSettings, EmailKeys)
    keys = {key for model in (*models, WebhookKeys) for key in model.known()}
    assert not [key for key in keys if not re.search(rf"\b{key}:", document)]
    rows = " ".join(re.findall(r"^\| (.*?) \|", document, re.MULTILINE))
    assert set(ROOM_COLUMNS) <= set(re.findall(r"\w+", rows))


def test_the_rows_of_a_room_that_the_configuration_page_shows_can_be_loaded(
    tmp_path: Path,
) -> None:
    document = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    readme = README.read_text(encoding="utf-8")
    for text, language, name in (
        (readme, "yaml", "insights.yaml"),
        (document, "csv", "rooms-eu.csv"),
    ):
        shown = re.search(rf"```{language}\n(.*?)```", text, re.DOTALL)
        assert shown
        (tmp_path / name).write_text(shown[1], encoding="utf-8")
    eu = load_settings(tmp_path / "insights.yaml", None).regions["EU"]
    assert len(eu.rooms) == 1
    assert len(eu.directory) == 2


def test_the_room_directory_that_the_readme_shows_can_be_loaded(tmp_path: Path) -> None:
    text = README.read_text(encoding="utf-8")
    for language, name in (("yaml", "insights.yaml"), ("csv", "rooms-eu.csv")):
        shown = re.search(rf"```{language}\n(.*?)```", text, re.DOTALL)
        assert shown
        (tmp_path / name).write_text(shown[1], encoding="utf-8")
    (room,) = load_settings(tmp_path / "insights.yaml", None).regions["EU"].rooms
    assert room.room_id == "fjord"
