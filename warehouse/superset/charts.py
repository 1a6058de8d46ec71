"""What the dashboard shows: the datasets and charts of ``charts.yaml``, which says what they mean.

Does not belong here: Superset's file layout (``__main__.py``).
"""

from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, Final

import yaml


@dataclass(frozen=True, slots=True)
class Dataset:
    """A table of the statistics as charts ask it."""

    metrics: dict[str, str]
    table: str = ""
    level: str = ""
    with_rooms: bool = False
    calculated: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart; ``table`` is its dataset."""

    name: str
    table: str
    drawing: str
    metrics: list[str]
    by: list[str] = field(default_factory=list)
    width: int = 6
    height: int = 46
    where: list[list[Any]] = field(default_factory=list)
    is_weekly: bool = False
    options: dict[str, Any] = field(default_factory=dict)


_SHOWN: Final = yaml.safe_load(
    files("warehouse.superset").joinpath("charts.yaml").read_text(encoding="utf-8")
)
DATASETS: Final = {name: Dataset(**each) for name, each in _SHOWN["datasets"].items()}
METRICS: Final = {name: each.metrics for name, each in DATASETS.items()}
CALCULATED: Final = {name: each.calculated for name, each in DATASETS.items()}
CHARTS: Final = tuple(Chart(**each) for each in _SHOWN["charts"])
