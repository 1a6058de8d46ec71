"""The command ``insights``: options, exit codes, one line for each of an operator's mistakes.

Belongs here: putting the commands together, and turning every known error into a line and an
exit code.
Does not belong here: the commands (the modules beside this one), the work, and how it is shown
(``console.py``).
"""

import sys
from collections.abc import Sequence

import click

from pipelines import console
from pipelines.cli.exchange import check, compare_sources
from pipelines.cli.nightly import publish, report, run
from pipelines.cli.options import NOTHING, USAGE
from pipelines.cli.privacy import erase, privacy_report
from pipelines.cli.trying import demo, describe, sandbox
from pipelines.code_location import RegionsError
from pipelines.instance import close_to_others
from pipelines.settings import SettingsError
from warehouse.tree import WarehouseError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="room-insights")
def cli() -> None:
    """Meeting-room utilization from Exchange room mailboxes, without personal data."""


for command in (
    *(run, publish, report, check, compare_sources),
    *(erase, privacy_report, describe, demo, sandbox),
):
    cli.add_command(command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line (of this process by default) and exit.

    Every mistake of an operator ends in one line, never a traceback.
    """
    close_to_others()
    try:
        code = cli(arguments, standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        code = USAGE
    except click.ClickException as error:
        console.fail([" ".join(error.format_message().split())])
        code = USAGE
    except SettingsError as error:
        console.fail(error.problems)
        code = USAGE
    except RegionsError as error:
        console.fail([str(error)])
        code = USAGE
    except WarehouseError as error:
        console.fail([str(error)])
        code = NOTHING
    except (KeyboardInterrupt, click.Abort):
        console.fail(["interrupted; what was stored before is as it was, or whole days further"])
        code = 130
    except OSError as error:
        console.fail([f"{error.filename}: {error.strerror}"])
        code = NOTHING
    sys.exit(code or 0)
