-- A null building stands for all of them: a room that moved in the month is one room there.
WITH cells AS (
    SELECT coalesce(building, 'no building') AS building, local_date, rooms, rooms_loaded,
           open_minutes, booked_minutes
    FROM utilization
    WHERE local_date BETWEEN $first AND $last
      AND room_type NOT IN ('desk', 'office', 'executive')
),
days AS (
    SELECT building, sum(rooms) AS rooms, sum(rooms_loaded) AS rooms_loaded,
           sum(open_minutes) AS open_minutes, sum(booked_minutes) AS booked_minutes
    FROM cells
    GROUP BY GROUPING SETS ((building, local_date), (local_date))
)
SELECT building, max(rooms), sum(rooms), sum(rooms_loaded), coalesce(sum(open_minutes), 0),
       coalesce(sum(booked_minutes), 0)
FROM days GROUP BY building ORDER BY building
