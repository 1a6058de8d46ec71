"""An operator's mistake, or a state that passes, as lines on stderr and an exit code."""

import click

from pipelines.cli.console import fail
from pipelines.cli.options import NOTHING, USAGE
from pipelines.settings import SettingsError
from warehouse.tree import WarehouseError


def exit_code(error: BaseException) -> int | None:
    """Print what went wrong and return the exit code; None for an error that nobody foresaw."""
    code: int | None = NOTHING
    match error:
        case click.exceptions.Exit():
            code = error.exit_code
        case click.ClickException():
            fail([" ".join(error.format_message().split())])
            code = USAGE
        case SettingsError():
            fail(error.problems)
            code = USAGE
        case WarehouseError():
            fail([str(error)])
        case KeyboardInterrupt() | click.Abort():
            fail(["interrupted; what was stored before is as it was, or whole days further"])
            code = 130
        case OSError():
            fail([f"{error.filename}: {error.strerror}"])
        case _:
            code = None
    return code
