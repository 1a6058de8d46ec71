"""A Dagster code location whose nights run in a job elsewhere (Dagster Pipes).

Copy it, and make ``launch`` start the job where yours should run (see ``README.md`` beside it).
Schedules, partitions, checks and alerts are those of ``pipelines.definitions``. It reads
``insights.yaml`` and the room CSV, but no secrets: only the job has those.
"""

import os
import sys
from pathlib import Path

import dagster as dg

from pipelines.definitions import build_defs
from pipelines.settings import load_settings, regions_to_load

CONFIG = Path(os.environ.get("INSIGHTS_CONFIG", "insights.yaml"))


def launch(
    context: dg.AssetExecutionContext, arguments: list[str]
) -> dg.PipesClientCompletedInvocation:
    """Run ``insights`` with these arguments in a separate process on this machine."""
    insights = str(Path(sys.executable).with_name("insights"))
    command = [insights, *arguments, "--config", str(CONFIG)]
    return dg.PipesSubprocessClient().run(context=context, command=command)


@dg.definitions
def defs() -> dg.Definitions:
    """Load the regions of INSIGHTS_REGIONS; each night of a region is one job."""
    return build_defs(load_settings(CONFIG, regions_to_load()), launch=launch)
