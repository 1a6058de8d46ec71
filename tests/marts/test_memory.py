"""A build's memory does not grow with the number of places."""

from pathlib import Path

from warehouse.engine import building
from warehouse.profiles import count_bookings

_PLACES = """
CREATE TEMP TABLE directory AS
SELECT 'room-' || n AS room_id, 'Oslo' AS site, 'Building ' || n AS building,
       '1' AS capacity_band, DATE '0001-01-01' AS valid_from, DATE '9999-12-31' AS valid_to
FROM range(2000) AS r(n);
CREATE TEMP TABLE dates AS
SELECT CAST(t AS DATE) AS local_date
FROM range(TIMESTAMP '2025-01-01', TIMESTAMP '2026-01-01', INTERVAL 1 MONTH) AS r(t);
CREATE TEMP TABLE settings AS
SELECT DATE '2025-01-01' AS profile_from_date, DATE '2026-02-01' AS profile_before_date,
       DATE '2026-01-31' AS through_date, false AS count_held_as_booked;
"""
_BOOKINGS = """
INSERT INTO bookings
SELECT 'EU', d.room_id, t.local_date, t.local_date + to_minutes([10, 30, 60, 90, 200, 400][n + 1]),
       false, false, false, 'single', 'busy', 'accept', 'booked', [1, 2, 3, 5, 8, 12][n + 1],
       false, n % 2 = 0, false, t.local_date - to_hours([0, 1, 10, 100, 400, 1000][n + 1]),
       t.local_date, t.local_date
FROM dates AS t
CROSS JOIN directory AS d
CROSS JOIN range(6) AS r(n)
"""


def test_bookings_of_more_places_and_months_than_memory_holds_groups_of_are_counted(
    tmp_path: Path,
) -> None:
    with building(tmp_path / "made.duckdb", 2, "50MB") as engine:
        engine.rows(_PLACES)
        engine.rows(_BOOKINGS)
        count_bookings(engine)
        counted = engine.rows(
            "SELECT measure, count(*), sum(bookings) FROM profile_counts GROUP BY ALL ORDER BY ALL"
        )
    bands = {"duration": 6, "external": 2, "headcount": 6, "kind": 1, "lead_time": 6}
    assert counted == [
        (measure, 2_000 * 12 * number, 2_000 * 12 * 6) for measure, number in bands.items()
    ]
