"""The closures of a region: inclusive dates on which its rooms, or some of them, are closed.

Belongs here: reading the list, and that each entry names something of the room directory.
Does not belong here: what a closure does to open time (``transforms/opening.py``).
"""

from collections.abc import Iterable, Mapping, Sequence

from pipelines.settings.keys import ClosureKeys
from pipelines.settings.problems import Problems, did_you_mean, mapping, validated
from transforms.opening import Closure


def read_closures(
    value: object, records: Sequence[Mapping[str, str]], where: str, problems: Problems
) -> tuple[Closure, ...]:
    """Return the closures of the YAML's list, and note every problem.

    ``records`` are the filled cells of the room directory.
    """
    if value is not None and not isinstance(value, list):
        problems.add(where, "must be a list of entries with from and to")
        return ()
    found: list[Closure] = []
    for position, entry in enumerate(value or ()):
        place = f"{where}.{position}"
        values = mapping(entry, place, problems)
        keys = validated(ClosureKeys, values, f"{place}.", problems) if values else None
        if keys is None:
            continue
        closure = Closure(**dict(keys))
        found.append(closure)
        if closure.last_date < closure.first_date:
            problems.add(f"{place}.to", "is before from; swap them")
        for key, text in _nowhere(closure, records):
            problems.add(f"{place}{key}", text)
    return tuple(found)


def _nowhere(closure: Closure, records: Sequence[Mapping[str, str]]) -> Iterable[tuple[str, str]]:
    """Yield what the closure names that no room has; nothing where no room could be read."""
    unknown = []
    for key in ("site", "building", "room_id"):
        wanted = getattr(closure, key)
        known = {record[key] for record in records if key in record}
        if wanted is not None and wanted not in known:
            unknown.append((f".{key}", f"no room has it; {did_you_mean(wanted, known)}"))
    if not unknown and not any(_covers(closure, record) for record in records):
        unknown.append(("", "no room has all that it names together; mend or split it"))
    return unknown if records else ()


def _covers(closure: Closure, record: Mapping[str, str]) -> bool:
    return closure.applies_to(
        site=record.get("site"), building=record.get("building"), room_id=record.get("room_id", "")
    )
