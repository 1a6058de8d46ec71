"""The macros of the SQL: minutes of instants, and the bands of the contract.

Belongs here: expressions that several files of ``sql`` share.
Does not belong here: what is computed from them (``sql``), the connection (``engine.py``).
"""

from collections.abc import Sequence
from typing import Final

from transforms.contract import (
    CAPACITY_BANDS,
    DURATION_BANDS,
    HEADCOUNT_BANDS,
    LEAD_TIME_BANDS,
    MEASURES,
    Band,
)

_YEAR_1: Final = 62_135_596_800_000_000
"""Microseconds from the year 1 to 1970: added so that years before 1970 work too."""
_MINUTE_US: Final = 60_000_000


def _banded(bands: Sequence[Band], value: str, unit: int = 1, *, numbers: bool = False) -> str:
    """Return the SQL for a value's band: its label, or its number from 0 on.

    The value's unit is ``unit`` times as fine as that of the bands' limits.
    """
    names = [str(at) if numbers else f"'{band.label}'" for at, band in enumerate(bands)]
    limits = [
        (band.at_most * unit, name) for band, name in zip(bands, names, strict=True) if band.at_most
    ]
    cases = " ".join(f"WHEN {value} <= {limit} THEN {name}" for limit, name in limits)
    return f"CASE WHEN {value} IS NULL THEN NULL {cases} ELSE {names[-1]} END"


_LABELS: Final = {
    measure: ", ".join("NULL" if band is None else f"'{band}'" for band in bands)
    for measure, bands in MEASURES.items()
}
_KINDS: Final = " ".join(f"WHEN '{kind}' THEN {at}" for at, kind in enumerate(MEASURES["kind"]))
MACROS: Final = {
    "start_minute(t)": f"(epoch_us(t) + {_YEAR_1}) // {_MINUTE_US}",
    "end_minute(t)": f"(epoch_us(t) + {_YEAR_1 + _MINUTE_US - 1}) // {_MINUTE_US}",
    "capacity_band(n)": _banded(CAPACITY_BANDS, "n"),
    "lead_time_band(n)": _banded(LEAD_TIME_BANDS, "n", _MINUTE_US),
    "headcount_number(n)": _banded(HEADCOUNT_BANDS, "n", numbers=True),
    "duration_number(n)": _banded(DURATION_BANDS, "n", numbers=True),
    "lead_time_number(n)": _banded(LEAD_TIME_BANDS, "n", _MINUTE_US, numbers=True),
    "kind_number(kind)": f"CASE kind {_KINDS} END",
    **{f"{measure}_of(n)": f"([{labels}])[n + 1]" for measure, labels in _LABELS.items()},
}
