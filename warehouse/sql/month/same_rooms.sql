-- How far both months had the same rooms. A room was open on a part of the month's dates, of the weekdays on which it
-- usually is. Its share is that part over the part of the room of its building with the most, because of holidays; a
-- building that opened late is measured by the others (at 0.9: its holidays may differ). It counts in the building
-- where it was on the day (R18). A null building stands for all of them: there a room may have moved.
WITH dates AS (
    SELECT is_now, weekday, count(*) AS dates
    FROM (SELECT DISTINCT local_date, local_date >= $first AS is_now, isodow(local_date) AS weekday
          FROM room_days WHERE local_date BETWEEN $before AND $last)
    GROUP BY ALL
),
days AS (
    SELECT coalesce(v.building, 'no building') AS building, d.room_id,
           d.local_date >= $first AS is_now, isodow(d.local_date) AS weekday, count(*) AS days
    FROM room_days AS d
    JOIN rooms_as_of AS v ON v.room_id = d.room_id
        AND d.local_date >= v.valid_from AND d.local_date < v.valid_to
    WHERE d.local_date BETWEEN $before AND $last AND d.open_minutes > 0
    GROUP BY ALL
),
usual AS (
    FROM days QUALIFY 2 * days >= max(days) OVER (PARTITION BY building, room_id, is_now)
),
shares AS (
    SELECT building, room_id, is_now, sum(days) / sum(dates) AS share
    FROM usual JOIN dates USING (is_now, weekday)
    GROUP BY ALL
),
measured AS (
    SELECT building, room_id, is_now,
           share / greatest(max(share) OVER (PARTITION BY building, is_now),
                            0.9 * max(share) OVER (PARTITION BY is_now)) AS share
    FROM shares
),
rooms_open AS (
    SELECT building, room_id,
           coalesce(sum(share) FILTER (NOT is_now), 0) AS before,
           coalesce(sum(share) FILTER (is_now), 0) AS now
    FROM measured
    GROUP BY GROUPING SETS ((building, room_id), (room_id))
)
SELECT building, sum(least(before, now)) / sum(greatest(before, now)) FROM rooms_open GROUP BY ALL
