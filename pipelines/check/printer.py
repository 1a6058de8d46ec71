"""The look of a check on a terminal: marks with words, columns, paragraphs, commands to paste.

Belongs here: how a line is printed.
Does not belong here: what it says (``view.py``, ``processing_view.py``).
"""

import textwrap
from typing import Final

from rich.console import Console
from rich.text import Text

from pipelines.check.model import State
from pipelines.check.remedies import Command

_STYLES: Final = {State.OK: "green", State.NOTE: "yellow", State.FAILED: "bold red"}
_MARKS: Final = {State.OK: "✓", State.NOTE: "!", State.FAILED: "✗"}
_PLAIN_MARKS: Final = {State.OK: "+", State.NOTE: "!", State.FAILED: "x"}
_INDENT: Final = " " * 12
_NARROWEST: Final = 30


class Printer:
    """Prints lines; text is wrapped on a terminal only, commands never."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._marks = _PLAIN_MARKS if console.options.ascii_only else _MARKS

    def heading(self, title: str, rest: str = "") -> None:
        """Print what the following lines are about."""
        self._print(Text(title, "bold").append(f"  {rest}" if rest else "", "not bold dim"))

    def line(self, state: State, name: str, width: int, text: str) -> None:
        """Print one result: mark, word, name and text in columns."""
        line = Text("  ").append(f"{self._marks[state]} {state.value:<6}", _STYLES[state])
        line.append(f"  {name:<{width}}  ")
        self._print(line.append(self._wrapped(text, " " * len(line))))

    def paragraph(self, text: str) -> None:
        """Print text that belongs to the line above."""
        self._print(_INDENT + self._wrapped(text, _INDENT))

    def command(self, command: Command | None) -> None:
        """Print PowerShell, a statement a line."""
        for statement in command.lines if command else ():
            self._print(Text(f"{_INDENT}PS> ", "dim").append(statement, "not dim cyan"))

    def blank(self) -> None:
        """Print an empty line."""
        self._print("")

    def _wrapped(self, text: str, indent: str) -> str:
        width = self._console.width - len(indent) - 1
        if not self._console.is_terminal or width < _NARROWEST:
            return text
        return f"\n{indent}".join(textwrap.wrap(text, width, break_on_hyphens=False))

    def _print(self, text: str | Text) -> None:
        self._console.print(text, soft_wrap=True, markup=False, highlight=False)
