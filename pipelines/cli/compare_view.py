"""What an operator sees of a comparison: rooms, dates, column names and counts; never a value.

Belongs here: the lines of ``insights compare-sources``.
Does not belong here: finding differences (``compare.py``).
"""

from collections import Counter
from collections.abc import Iterator
from typing import Final

import click

from pipelines.cli.console import show_remedies
from pipelines.compare import Comparison, DayDifference
from pipelines.night import DayRange
from transforms.contract import Region

_SHOWN: Final = 40
_KNOWN: Final = {
    "headcount_is_lower_bound": "Graph does not tell a distribution list from a person",
    "created_at": "Graph gives none with headcount: false",
    "is_online": "EWS may leave it out",
}

_ALONE: Final = (
    "only one way: a booking that was made, moved or deleted between the two readings, or one of "
    "all day by an organizer half the world away; see docs/graph.md"
)


def show_comparison(region: Region, day_range: DayRange, comparison: Comparison) -> None:
    """Print what differs, what failed with its remedy, and the sum of it all."""
    differences = sorted(comparison.differences, key=lambda each: (each.pair.room_id, each.day))
    for difference in differences[:_SHOWN]:
        click.echo(f"{region} {difference.pair.room_id} {difference.day}: {_said(difference)}")
    if len(differences) > _SHOWN:
        click.echo(f"{region}: {len(differences) - _SHOWN} more days differ")
    codes = set()
    for room_id, failed in sorted(comparison.failed.items()):
        codes |= set(failed.values())
        told = ", ".join(f"{code} over {name}" for name, code in sorted(failed.items()))
        click.echo(f"{region} {room_id}: not compared, {told}")
    show_remedies(codes, ("ews", "graph"))
    found = {name for each in differences for name in each.columns}
    for name in sorted(found & set(_KNOWN)):
        click.echo(f"{name}: {_KNOWN[name]}; see docs/graph.md")
    if any(each.only_own or each.only_other for each in differences):
        click.echo(_ALONE)
    click.echo(_sum(region, day_range, comparison))


def _said(difference: DayDifference) -> str:
    return ", ".join(_parts(difference))


def _parts(difference: DayDifference) -> Iterator[str]:
    if difference.rows:
        columns = ", ".join(sorted(difference.columns))
        verb = "differs" if difference.rows == 1 else "differ"
        yield f"{_counted(difference.rows)} {verb} in {columns}"
    if difference.only_own:
        yield f"{_counted(difference.only_own)} only over {difference.pair.own}"
    if difference.only_other:
        yield f"{_counted(difference.only_other)} only over {difference.pair.other}"


def _sum(region: Region, day_range: DayRange, comparison: Comparison) -> str:
    rooms = comparison.rooms + len(comparison.failed)
    columns: Counter[str] = Counter()
    for each in comparison.differences:
        columns.update(each.columns)
    told = [f"{name} {count:,}" for name, count in columns.most_common()]
    alone = sum(each.only_own + each.only_other for each in comparison.differences)
    differing = sum(each.rows for each in comparison.differences)
    return (
        f"{region}: {comparison.rooms} of {rooms} rooms compared, {day_range.first_date} to "
        f"{day_range.last_date}: {comparison.equal_rows:,} rows equal, {differing:,} differ"
        + (f" ({', '.join(told)})" if told else "")
        + f", {alone:,} only one way"
    )


def _counted(rows: int) -> str:
    return f"{rows:,} row" + ("" if rows == 1 else "s")
