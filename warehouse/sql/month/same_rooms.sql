-- How far both months had the same rooms. A room's share of a month is its open days over those of the room of its
-- building with the most; a building that opened late is measured by the others (at 0.9: its holidays may differ).
-- It counts in the building where it was on the day (R18). A null building stands for all of them: there a room may
-- have moved.
WITH days AS (
    SELECT coalesce(v.building, 'no building') AS building, d.room_id,
           count(*) FILTER (d.local_date < $first) AS before,
           count(*) FILTER (d.local_date >= $first) AS now
    FROM room_days AS d
    JOIN rooms_as_of AS v ON v.room_id = d.room_id
        AND d.local_date >= v.valid_from AND d.local_date < v.valid_to
    WHERE d.local_date BETWEEN $before AND $last AND d.open_minutes > 0
    GROUP BY ALL
),
shares AS (
    SELECT building, room_id,
           before / greatest(max(before) OVER own, 0.9 * max(before) OVER (), 1) AS before,
           now / greatest(max(now) OVER own, 0.9 * max(now) OVER (), 1) AS now
    FROM days
    WINDOW own AS (PARTITION BY building)
),
rooms_open AS (
    SELECT building, room_id, sum(before) AS before, sum(now) AS now
    FROM shares
    GROUP BY GROUPING SETS ((building, room_id), (room_id))
)
SELECT building, sum(least(before, now)) / sum(greatest(before, now)) FROM rooms_open GROUP BY ALL
