"""An attacker who has the published databases and subtracts their figures from each other.

Belongs here: querying totals, published cells, and the difference between them.
Does not belong here: which difference is allowed (``test_small_groups.py``).
"""

from collections import defaultdict
from pathlib import Path
from typing import Any, TypeAlias

import duckdb

from transforms.contract import PERSONAL_ROOM_TYPES

Group: TypeAlias = tuple[str, str, str]
"""Building, capacity band, ISO week."""


class Attacker:
    """Queries that anybody can run on a published database."""

    def __init__(self, path: Path) -> None:
        self._connection = duckdb.connect(str(path), read_only=True)

    def close(self) -> None:
        self._connection.close()

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql).fetchall()

    def totals(self, source: str) -> dict[Group, int]:
        """Return the bookings of each group, from the time measures."""
        week = "strftime(local_date, '%G-W%V')"
        where = f"room_type NOT IN {PERSONAL_ROOM_TYPES}"
        joined = "room_days JOIN rooms USING (room_id)" if source == "room_days" else source
        query = (
            f"SELECT building, capacity_band, {week}, sum(bookings) FROM {joined} "
            f"WHERE {where} GROUP BY ALL"
        )
        return {(str(b), str(c), str(w)): int(n) for b, c, w, n in self.rows(query) if n}

    def cells(self, mart: str) -> dict[Group, dict[tuple[Any, ...], int]]:
        """Return the published cells of each group: label and bookings."""
        labels = {
            "booking_mix": "kind, duration_band, lead_time_band",
            "size_fit": "headcount_band",
        }[mart]
        found: dict[Group, dict[tuple[Any, ...], int]] = defaultdict(dict)
        for b, c, w, n, *label in self.rows(
            f"SELECT building, capacity_band, iso_week, bookings, {labels} FROM {mart}"
        ):
            found[str(b), str(c), str(w)][tuple(label)] = n
        return found

    def left_out(self, mart: str, source: str = "room_days") -> dict[Group, tuple[int, int]]:
        """Return each group's bookings outside of published cells, and those in them."""
        cells = self.cells(mart)
        published = {group: sum(found.values()) for group, found in cells.items()}
        return {
            group: (total - published.get(group, 0), published.get(group, 0))
            for group, total in self.totals(source).items()
        }
