"""What the commands share: options, exit codes, the configuration of a region.

Belongs here: anything that two commands must read in the same way.
Does not belong here: a command.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from pipelines.settings import Settings, load_settings, regions_to_load
from transforms.contract import REGION_REMEDY, Region, is_region

WHOLE: Final = 0
NOTHING: Final = 1
USAGE: Final = 2
PARTIAL: Final = 3

FILE: Final = click.Path(dir_okay=False, path_type=Path)
FOLDER: Final = click.Path(file_okay=False, path_type=Path)


class _Date(click.DateTime):
    """A date; the placeholder in ``--help`` is a word, not a format."""

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:  # noqa: ARG002 - click's
        """Return the placeholder."""
        return "DATE"


DATE: Final = _Date(formats=["%Y-%m-%d"])


def region_name(value: str) -> Region:
    """Return an option's value as a region's name; the configuration says which there are.

    Raises:
        click.BadParameter: no region can be called so.
    """
    region = value.strip().upper()
    if not is_region(region):
        raise click.BadParameter(f"{value!r} cannot be a region's name; {REGION_REMEDY}")
    return region


Command = TypeVar("Command", bound=Callable[..., Any])


def with_config(command: Command) -> Command:
    """Give a command the option ``--config``."""
    return click.option(
        "--config",
        type=click.Path(path_type=Path),  # a folder is refused where the file is read
        default=lambda: Path(os.environ.get("INSIGHTS_CONFIG") or "insights.yaml"),
        help="The configuration; default $INSIGHTS_CONFIG, else insights.yaml.",
    )(command)


def with_region(command: Command) -> Command:
    """Give a command the required option ``--region``."""
    return click.option("--region", type=region_name, metavar="REGION", required=True)(command)


def with_regions(command: Command) -> Command:
    """Give a command the option ``--region``, without which it is about all that are loaded."""
    return click.option(
        "--region",
        type=region_name,
        metavar="REGION",
        help="Only this region; default: all that are loaded.",
    )(command)


def settings_of(config: Path, region: Region | None, *, is_seeding: bool = False) -> Settings:
    """Return the configuration of the regions that this process loads.

    Raises:
        click.UsageError: the region is not among them.
        SettingsError: the configuration or INSIGHTS_REGIONS is wrong.
    """
    settings = load_settings(config, regions_to_load(), is_seeding)
    if region is not None and region not in settings.regions:
        loaded = ", ".join(settings.regions) or "none"
        raise click.UsageError(
            f"--region {region}: not loaded (loaded: {loaded}); "
            f"add regions.{region} to {config}, or change INSIGHTS_REGIONS"
        )
    return settings
