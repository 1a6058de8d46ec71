"""The command ``insights``: the list of its commands, and one line for each operator's mistake.

Belongs here: the commands' names, and turning every known error into a line and an exit code.
Does not belong here: the commands (the modules beside this one), and the work they start.

A command's module is imported when the command is used, so that ``insights --help`` does not
wait for Dagster, DuckDB and exchangelib.
"""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper
from typing import Final, NoReturn

import click
from click.shell_completion import CompletionItem

COMMANDS: Final = {
    "init": ("init", "Write a configuration and a room CSV to start from."),
    "run": ("nightly", "Read a region's rooms and publish: the nightly job."),
    "status": ("status", "Say how old each region's figures are, and what to do."),
    "publish": ("nightly", "Rebuild a region's database from its lake."),
    "report": ("nightly", "Write the page that shows a region in a browser."),
    "what-if": ("what_if", "Say which bookings would fit if rooms were added or removed."),
    "export": ("export", "Write the statistics tables for Excel, or as CSV."),
    "mail": ("nightly", "Send a month of a region by mail."),
    "check": ("exchange", "Say which rooms can be read, and what mends the rest."),
    "compare-sources": ("exchange", "Read rooms over EWS and Graph, and compare."),
    "erase": ("privacy", "Erase a room's days, or all before a date."),
    "privacy-report": ("privacy", "Write a region's record of processing."),
    "describe": ("describe", "Print what tables and columns mean."),
    "pipes": ("pipes", "Run the night that Dagster started this process for."),
    "demo": ("demo", "Read two regions from a simulated Exchange."),
    "sandbox": ("demo", "Serve only the simulated Exchange."),
}
"""Each command: the module beside this one that has it, and its line in ``insights --help``."""


_EXTRAS: Final = {
    "cryptography": "demo",
    "faker": "demo",
    "pandas": "export",
    "xlsxwriter": "export",
}
"""Packages that only some commands need, and the extra that installs each."""


class Commands(click.Group):
    """The group of ``COMMANDS``, each imported when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        """Return the names, in the order of ``COMMANDS``."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        try:
            module = import_module(f"pipelines.cli.{COMMANDS[cmd_name][0]}")
        except ModuleNotFoundError as error:
            raise _missing_extra(cmd_name, error) from None
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete the name of a command without importing any."""
        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        return [
            CompletionItem(name, help=summary)
            for name, (_, summary) in COMMANDS.items()
            if name.startswith(incomplete)
        ]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """Write the list of commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])


def _missing_extra(command: str, error: ModuleNotFoundError) -> Exception:
    """Return the line for an extra that is not installed, or the error where it is a bug."""
    extra = _EXTRAS.get((error.name or "").partition(".")[0])
    if extra is None:
        return error
    return click.UsageError(
        f"insights {command} needs what is not installed: pip install 'room-insights[{extra}]'"
    )


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="room-insights")
def cli() -> None:
    """Meeting-room utilization from Exchange room mailboxes, without personal data."""
    if sys.getfilesystemencoding() == "ascii":  # DuckDB and others end at the first ö of a path
        told = "file names are read as ASCII here; unset PYTHONUTF8, or set it to 1"
        raise click.UsageError(told)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line (of this process by default, which then ends) and exit.

    Every mistake of an operator ends in one line, never a traceback.
    """
    os.umask(0o027)  # nothing that a command writes is for everybody's eyes
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a name that the terminal cannot show ends nothing
            stream.reconfigure(errors="backslashreplace")
    try:
        code = cli(arguments, standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        code = 2
    except (Exception, KeyboardInterrupt) as error:
        # Imported late: it knows the errors of every package, and most commands end without one.
        from pipelines.cli.console import exit_code  # noqa: PLC0415

        code = exit_code(error)
        if code is None:
            raise
    if arguments is None:
        _end(code or 0)
    sys.exit(code or 0)


def _end(code: int) -> NoReturn:
    """End the program at once, when all that it said is written.

    Left to itself, the interpreter stops the threads of libraries wherever they happen to be. Now
    and then that ended in an abort, so in another exit code, after the work was done; or in a page
    of a library's complaints.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            continue  # whoever read it has seen enough
        except OSError:
            code = code or 1
    os._exit(code)
