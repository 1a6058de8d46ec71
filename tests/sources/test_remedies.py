"""Every error code has one line that says what happened and what to do."""

import ast
import re
from importlib import import_module
from pathlib import Path

import pytest

import pipelines.sources
from pipelines.sources.remedies import remedy_for

CODES = [
    *("HTTP401", "HTTP403", "HTTP404", "HTTP429", "HTTP502", "HTTP503", "ErrorAccessDenied"),
    *("ErrorNonExistentMailbox", "ErrorImpersonateUserDenied", "ErrorServerBusy"),
    *("ErrorMailboxStoreUnavailable", "ErrorItemCorrupt", "UnknownCode", "NobodyKnows"),
    *("ErrorADUnavailable", "ErrorWrongServerVersion", "HTTP302", "HTTP520"),
]


def codes_of_failures() -> set[str]:
    """Return every code in the sources, as a literal or a constant."""
    folder = Path(pipelines.sources.__path__[0])
    return {
        code
        for path in folder.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "ReadError"
        and (code := _text(path, node.args[0]))
    }


def _text(path: Path, node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    module = import_module(f"pipelines.sources.{path.stem}")
    return getattr(module, node.id, "") if isinstance(node, ast.Name) else ""


@pytest.mark.parametrize("code", CODES)
def test_a_remedy_is_one_line_of_plain_sentences(code: str) -> None:
    text = remedy_for(code)
    assert "\n" not in text
    assert text.endswith(".")
    assert 40 < len(text) < 500


def test_every_code_of_our_own_has_a_remedy_of_its_own() -> None:
    codes = codes_of_failures()
    assert {"HttpsRequired", "TokenRefused", "OtherMailbox", "MalformedItem"} <= codes
    unknown = remedy_for("NobodyKnows")
    assert [code for code in sorted(codes) if remedy_for(code) == unknown] == []


@pytest.mark.parametrize(
    "code",
    ["HTTP520", "ErrorADUnavailable", "ErrorWrongServerVersion", "ErrorInsufficientResources"],
)
def test_what_a_server_says_that_is_away_has_a_remedy(code: str) -> None:
    assert remedy_for(code) != remedy_for("NobodyKnows")


def test_a_403_names_the_dates_the_allow_list_and_the_way_out() -> None:
    text = remedy_for("HTTP403")
    for word in ("1 October 2026", "EwsAllowedAppIDs", "1 April 2027", "kind: graph"):
        assert word in text


def test_remedies_hold_no_address_and_no_host() -> None:
    for code in CODES:
        assert not re.search(r"[\w.]+@|https://\w", remedy_for(code))
