"""The program ``insights``: the list of its commands, and one line for each operator's mistake.

Belongs here: the commands' names, the options and configuration that several commands share, and
turning every known error into a line and an exit code.
Does not belong here: the commands (the modules beside this one), and the work they start.

A command's module is imported only when the command is used, so that ``insights --help`` does not
wait for Dagster, DuckDB and exchangelib.
"""

import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from difflib import get_close_matches
from importlib import import_module
from io import TextIOWrapper
from operator import methodcaller
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from pipelines.settings import Settings

COMMANDS: Final = {
    "init": ("init", "Write a configuration and a room CSV to start from."),
    "run": ("nightly", "Read a region's rooms and publish: the nightly job."),
    "status": ("status", "Say how old each region's figures are, and what to do."),
    "publish": ("nightly", "Rebuild a region's database from its lake."),
    "report": ("nightly", "Write the page that shows a region in a browser."),
    "what-if": ("figures", "Say which bookings would fit if rooms were added or removed."),
    "export": ("export", "Write the statistics tables for Excel, or as CSV."),
    "mail": ("nightly", "Send a month of a region by mail."),
    "check": ("exchange", "Say which rooms can be read, and what mends the rest."),
    "compare-sources": ("exchange", "Read rooms over EWS and Graph, and compare."),
    "erase": ("erase", "Erase a room's days, or all before a date."),
    "privacy-report": ("record", "Write a region's record of processing."),
    "describe": ("figures", "Print what tables and columns mean."),
    "pipes": ("nightly", "Run the night that Dagster started this process for."),
    "demo": ("demo", "Read two regions from a simulated Exchange."),
    "sandbox": ("demo", "Serve only the simulated Exchange."),
}
"""Each command's module (beside this one), and its line in ``insights --help``."""


_EXTRAS: Final = {
    "cryptography": "demo",
    "faker": "demo",
    "pandas": "export",
    "xlsxwriter": "export",
}
"""Packages that only some commands need, and the extra that installs each."""

WHOLE: Final = 0
NOTHING: Final = 1
USAGE: Final = 2
PARTIAL: Final = 3

FILE: Final = click.Path(dir_okay=False, path_type=Path)
FOLDER: Final = click.Path(file_okay=False, path_type=Path)


class Commands(click.Group):
    """The group of ``COMMANDS``; each is imported only when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        """Return the names, in the order of ``COMMANDS``."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's
        """Import a command."""
        if cmd_name not in COMMANDS:
            near = get_close_matches(cmd_name.casefold(), COMMANDS, n=1)
            remedy = f"did you mean {near[0]}?" if near else "insights --help lists them all"
            raise click.UsageError(f"No such command {cmd_name!r}; {remedy}")
        try:
            module = import_module(f"pipelines.cli.{COMMANDS[cmd_name][0]}")
        except ModuleNotFoundError as error:
            extra = _EXTRAS.get((error.name or "").partition(".")[0])
            if extra is None:
                raise
            text = f"needs what is not installed: pip install 'room-insights[{extra}]'"
            raise click.UsageError(f"insights {cmd_name} {text}") from None
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


class _Date(click.DateTime):
    """A date or a month, shown as a word or an example; a format means nothing to most people."""

    def __init__(self, form: str, noun: str, example: str) -> None:
        super().__init__(formats=[form])
        self._noun, self._example = noun, example

    def convert(  # type: ignore[override]  # a day is all that an option needs
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> date:
        """Return the day without a time; of a month, its first."""
        try:
            return super().convert(value, param, ctx).date()
        except click.BadParameter:
            self.fail(f"{value!r} is no {self._noun}; write it like {self._example}", param, ctx)

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:  # noqa: ARG002 - click's
        """Return the placeholder in ``--help``."""
        return self._noun.upper()


DATE: Final = _Date("%Y-%m-%d", "date", "2026-11-21")
MONTH: Final = _Date("%Y-%m", "month", "2026-11")


def region_name(value: str) -> str:
    """Return an option's value as a region's name, which the configuration may or may not have.

    Raises:
        click.BadParameter: no region can have that name.
    """
    from transforms.contract import is_region, region_remedy  # noqa: PLC0415 - `--help` needs none

    region = value.strip().upper()
    if not is_region(region):
        remedy = region_remedy(region)
        raise click.BadParameter(f"{value!r} cannot be a region's name; {remedy}")
    return region


def _one_region(
    _context: click.Context, _option: click.Parameter, regions: tuple[str, ...]
) -> str | None:
    """Return the region of ``--region``; click would take the last of several without a word."""
    if len(set(regions)) > 1:
        raise click.BadParameter("takes one region; run the command for each")
    return regions[0] if regions else None


_REGION: Final[Mapping[str, Any]] = {
    "type": region_name,
    "metavar": "REGION",
    "multiple": True,
    "callback": _one_region,
}
Command = TypeVar("Command", bound=Callable[..., Any])
with_config: Final = click.option(
    "--config",
    type=click.Path(path_type=Path),  # reading the file refuses a folder
    default=lambda: Path(os.environ.get("INSIGHTS_CONFIG") or "insights.yaml"),
    help="The configuration; default $INSIGHTS_CONFIG, else insights.yaml.",
)
"""Gives a command the option ``--config``."""


def with_region(command: Command) -> Command:
    """Give a command the options ``--config`` and ``--region``, which is required."""
    of_region = click.option("--region", required=True, **_REGION)
    return with_config(of_region(command))


def with_regions(command: Command) -> Command:
    """Give a command ``--config`` and ``--region``; without that, it covers all loaded regions."""
    text = "Only this region; default: all that are loaded."
    of_regions = click.option("--region", help=text, **_REGION)
    return with_config(of_regions(command))


def settings_of(config: Path, region: str | None, *, is_seeding: bool = False) -> "Settings":
    """Return the configuration of the regions that this process loads.

    Raises:
        click.UsageError: this process does not load the region.
        SettingsError: the configuration or INSIGHTS_REGIONS is wrong.
    """
    from pipelines.settings import load_settings, regions_to_load  # noqa: PLC0415

    settings = load_settings(config, regions_to_load(), is_seeding)
    if region is not None and region not in settings.regions:
        loaded = ", ".join(settings.regions) or "none"
        raise click.UsageError(
            f"--region {region}: not loaded (loaded: {loaded}); "
            f"add regions.{region} to {config}, or change INSIGHTS_REGIONS"
        )
    return settings


def as_json_text(value: object, indent: int | None = None) -> str:
    """Return a value as JSON; dates and instants are written as ISO 8601."""
    return json.dumps(value, indent=indent, default=methodcaller("isoformat"))


def fail(lines: Iterable[str]) -> None:
    """Print errors to standard error, a line each."""
    for line in lines:
        click.echo(f"error: {line}", err=True)


def exit_code(error: BaseException) -> int | None:
    """Print what went wrong and return the exit code; None for an unexpected error."""
    code: int | None = NOTHING
    match error:
        case click.exceptions.Exit():
            code = error.exit_code
        case click.ClickException():
            fail([" ".join(error.format_message().split())])
            code = USAGE
        case KeyboardInterrupt() | click.Abort():
            fail(["interrupted; what was stored before is as it was, or whole days further"])
            code = 130
        case SystemExit(code=int(ended)):  # click's: a shell's completion, or a broken pipe
            code = ended
        case BrokenPipeError():
            pass  # the reader has seen enough, as in "insights status | head"
        case OSError():
            what = ": ".join(map(str, filter(None, (error.filename, error.strerror))))
            fail([f"{what}; see to its permissions and disk, or name another place"])
        case _ if type(error).__module__.endswith("duckdb"):  # its text may quote values
            remedy = "run 'insights publish' for the region"
            fail([f"the database is not as it was published ({type(error).__name__}); {remedy}"])
        case _:  # our own errors have an exit code if the operator can fix them
            code = getattr(error, "exit_code", None)
            if code is not None:
                fail(getattr(error, "problems", [str(error)]))
    return code


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="room-insights")
def cli() -> None:
    """Meeting-room utilization from Exchange room mailboxes, without personal data."""
    if sys.getfilesystemencoding() == "ascii":  # DuckDB and others fail at the first ö of a path
        told = "file names are read as ASCII here; unset PYTHONUTF8, or set it to 1"
        raise click.UsageError(told)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command line (by default that of this process, which then ends) and exit.

    Every mistake of an operator ends in one line, never a traceback.
    """
    os.umask(0o027)  # other users may not read what a command writes
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # do not fail at names that a terminal cannot show
            stream.reconfigure(errors="backslashreplace")
    try:
        code = cli(arguments, standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        code = USAGE
    except (Exception, KeyboardInterrupt, SystemExit) as error:
        code = exit_code(error)
        if code is None:
            raise
    code = code or WHOLE
    if arguments is not None:
        sys.exit(code)
    # Flush and end at once. A normal exit stops the threads of libraries wherever they are: now and
    # then that aborted the process after its work was done, which changed the exit code, or printed
    # a page of a library's complaints.
    for stream in filter(None, (sys.stdout, sys.stderr)):  # None: the caller closed it
        try:
            stream.flush()
        except BrokenPipeError:
            continue  # the reader has seen enough
        except OSError:
            code = code or NOTHING
    os._exit(code)
