"""The configuration's files: text, and YAML that is a mapping.

Belongs here: opening and decoding, and the syntax of YAML.
Does not belong here: what a key means (``settings/keys.py``).
"""

import codecs
import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any, Final

import yaml

from pipelines.settings.problems import Problems, mapping

_WORKBOOKS: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # xlsx and xls
_QUOTED: Final = re.compile(r"'[^']{3,}'")


class _Loader(yaml.SafeLoader):
    """A safe loader that refuses a key written twice, where YAML would keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[object] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in seen:
                problem = "the same key stands above"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            seen.add(key.value)
            if key.tag == "tag:yaml.org,2002:bool":
                key.tag = "tag:yaml.org,2002:str"  # a key is text: NO is Norway, ON is Ontario
        return super().construct_mapping(node, deep)

    def construct_date(self, node: yaml.ScalarNode) -> object:
        """Keep a date that no calendar has as text: its key's own check says what is wrong."""
        try:
            return self.construct_yaml_timestamp(node)
        except ValueError:
            return node.value


_Loader.add_constructor("tag:yaml.org,2002:timestamp", _Loader.construct_date)


def read_text(path: Path, file: str, remedy: str, problems: Problems) -> str | None:
    """Return the text of a file in UTF-8, or in UTF-16 as Excel and PowerShell write it.

    With or without a byte order mark; None with a problem.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        problems.add(file, f"there is no such file; {remedy}")
        return None
    except IsADirectoryError:
        problems.add(file, f"is a folder, not a file; {remedy}")
        return None
    except OSError as error:
        problems.add(file, f"cannot be read ({type(error).__name__}); {remedy}")
        return None
    return _decoded(content, file, problems)


def _decoded(content: bytes, file: str, problems: Problems) -> str | None:
    if content.startswith(_WORKBOOKS):
        problems.add(file, "is an Excel workbook, not text; save it as CSV UTF-8")
        return None
    try:
        if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return content.decode("utf-16")
        # Without a mark the NULs beside the first character tell.
        if b"\0" in content[:2]:
            return content.decode("utf-16-be" if content[:1] == b"\0" else "utf-16-le")
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        problems.add(f"{file}: line {line}", "is not UTF-8; save the file as UTF-8")
    return None


def read_mapping(path: Path, problems: Problems) -> dict[str, object]:
    """Return the YAML mapping of a file, its keys as text; empty, with a problem, if it is none."""
    remedy = "write one as the README shows, or name another with --config"
    text = read_text(path, str(path), remedy, problems)
    if text is None:
        return {}
    try:
        # The loader is SafeLoader's: it makes nothing but plain values.
        values = yaml.load(text, _Loader)  # noqa: S506
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "somewhere"
        # What stands in quotes may be a value of the file.
        reason = _QUOTED.sub("this", error.problem or "syntax")
        problems.add(f"{path}: {place}", f"is not valid YAML ({reason}); mend this place")
        return {}
    except (yaml.YAMLError, ValueError, RecursionError):
        problems.add(str(path), "is not valid YAML; remove unprintable characters and odd numbers")
        return {}
    if values is None:
        problems.add(str(path), "is empty; write one as the README shows")
        return {}
    return mapping(values, str(path), problems)
