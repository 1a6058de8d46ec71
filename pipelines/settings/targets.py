"""The targets of a region: what its rooms are to reach, an entry a building or a size."""

from collections.abc import Mapping, Sequence
from typing import Final, get_args

from pydantic import Field

from pipelines.settings.keys import Keys, Text
from pipelines.settings.problems import Problems, did_you_mean, mapping, validated
from warehouse.targets import Measure, Target

_BANDS: Final = ("1", "2-4", "5-8", "9-14", "15-30", "31+")
_MEASURES: Final = get_args(Measure)


class TargetKeys(Keys):
    """An entry of a region's ``targets``: whose target it is, and one limit."""

    building: Text | None = None
    capacity_band: Text | None = None
    sold_out_days_at_most: int | None = Field(None, ge=0, le=31)
    utilization_percent_at_least: int | None = Field(None, ge=1, le=100)


def read_targets(
    value: object, records: Sequence[Mapping[str, str]], where: str, problems: Problems
) -> tuple[Target, ...]:
    """Return the targets of the YAML's list, and note every problem.

    ``records`` are the filled cells of the room directory.
    """
    if value is not None and not isinstance(value, list):
        problems.add(where, "must be a list of entries with a building or size, and a limit")
        return ()
    found: list[Target] = []
    for position, entry in enumerate(value or ()):
        place = f"{where}.{position}"
        values = mapping(entry, place, problems)
        keys = validated(TargetKeys, values, f"{place}.", problems) if values else None
        if keys is None:
            continue
        limits = {name: limit for name in _MEASURES if (limit := getattr(keys, name)) is not None}
        if len(limits) != 1:
            problems.add(place, f"needs one limit: {' or '.join(_MEASURES)}")
        if keys.building is None and keys.capacity_band is None:
            problems.add(place, "names no rooms; add building, capacity_band or both")
        buildings = {record["building"] for record in records if "building" in record}
        if records and keys.building is not None and keys.building not in buildings:
            text = f"no room has it; {did_you_mean(keys.building, buildings)}"
            problems.add(f"{place}.building", text)
        if keys.capacity_band is not None and keys.capacity_band not in _BANDS:
            problems.add(f"{place}.capacity_band", f"unknown; use {', '.join(_BANDS)}")
        found += [
            Target(measure, limit, keys.building, keys.capacity_band)
            for measure, limit in limits.items()
        ]
    return tuple(found)
