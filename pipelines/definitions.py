"""Dagster's code location: importing this module loads the configuration.

Belongs here: finding the configuration when Dagster starts (``dagster dev``).
Does not belong here: anything else; the command line builds its definitions itself.
"""

import os
import warnings
from pathlib import Path
from typing import Final

import dagster as dg

from pipelines.code_location import build_definitions, regions_to_load
from pipelines.instance import close_to_others
from pipelines.settings import load_settings

_CONFIG: Final = Path("insights.yaml")
_DEMO_CONFIG: Final = Path("demo/insights.yaml")


def _definitions_of_this_process() -> dg.Definitions:
    """Return the definitions that Dagster loads: $INSIGHTS_CONFIG, insights.yaml, or the demo's."""
    close_to_others()
    configured = os.environ.get("INSIGHTS_CONFIG")
    if configured:
        path = Path(configured)
    elif _CONFIG.exists() or not _DEMO_CONFIG.exists():
        path = _CONFIG
    else:
        path = _DEMO_CONFIG
    if not configured and not path.exists():
        warnings.warn("insights.yaml is not here: write one, or run `insights demo`", stacklevel=2)
        return dg.Definitions()
    return build_definitions(load_settings(path, regions_to_load()))


defs = _definitions_of_this_process()
