"""Where Dagster keeps its history, and that it keeps no output of ours there.

Belongs here: the default DAGSTER_HOME beside the configuration, and its ``dagster.yaml``.
Does not belong here: what runs (``definitions.py``).
"""

import os
from pathlib import Path
from typing import Final

import dagster as dg
import yaml

DAGSTER_YAML: Final = """\
# Written once by `insights`; yours to change, but keep compute_logs as it is: anything that a
# library prints while raw items are in memory must not reach a disk.
telemetry:
  enabled: false
nux:
  enabled: false
compute_logs:
  module: dagster._core.storage.noop_compute_log_manager
  class: NoOpComputeLogManager
concurrency:
  pools:
    default_limit: 1
run_monitoring:
  enabled: true
  free_slots_after_run_end_seconds: 60
"""


def close_to_others() -> None:
    """See to it that nothing which this process writes is for everybody's eyes."""
    os.umask(0o027)


def dagster_home(config: Path) -> Path:
    """Return $DAGSTER_HOME, or ``.dagster`` beside the configuration."""
    configured = os.environ.get("DAGSTER_HOME")
    return Path(configured) if configured else config.resolve().parent / ".dagster"


def open_instance(home: Path) -> dg.DagsterInstance:
    """Open the instance of a DAGSTER_HOME; makes the folder and its settings if missing.

    Raises:
        OSError: the folder cannot be made or written.
    """
    close_to_others()
    home.mkdir(parents=True, exist_ok=True, mode=0o750)
    settings = home / "dagster.yaml"
    if not settings.exists():
        _write_settings(settings)
    return dg.DagsterInstance.from_config(str(home))


def _write_settings(path: Path) -> None:
    """Write the settings of a new home, but never through a link that somebody planted there."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(DAGSTER_YAML)
    except FileExistsError:
        if path.is_symlink():
            raise
        # Another run of ours was faster.


def is_silent(home: Path) -> tuple[bool, bool]:
    """Tell whether Dagster keeps no output of runs there, and whether it sends no telemetry.

    A home that is not there yet will be made as it has to be.
    """
    try:
        chosen = yaml.safe_load((home / "dagster.yaml").read_text(encoding="utf-8")) or {}
    except FileNotFoundError:
        return True, True
    except (OSError, ValueError, yaml.YAMLError):
        return False, False
    return (
        _of(chosen, "compute_logs", "class") == "NoOpComputeLogManager",
        _of(chosen, "telemetry", "enabled") is False,
    )


def _of(chosen: object, section: str, key: str) -> object:
    part = chosen.get(section) if isinstance(chosen, dict) else None
    return part.get(key) if isinstance(part, dict) else None
