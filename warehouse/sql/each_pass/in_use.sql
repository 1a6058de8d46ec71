-- Work table: rooms booked at once in each place, over the minutes of a day with any room of it open:
-- the running sums of its changes are what is open and booked from one change to the next.
WITH in_use AS (
    SELECT place_no,
           local_date,
           coalesce(lead(minute) OVER of_the_hour, 60) - minute AS run_minutes,
           sum(opened) OVER of_the_hour AS rooms_open,
           sum(booked) OVER of_the_hour AS rooms_booked
    FROM place_changes
    WINDOW of_the_hour AS (PARTITION BY place_no, local_date, cell ORDER BY minute)
),
levels AS (
    SELECT place_no,
           local_date,
           rooms_booked,
           min(rooms_open - rooms_booked) AS min_free_rooms,
           sum(run_minutes) AS level_minutes,
           sum(CASE WHEN rooms_open = rooms_booked THEN run_minutes ELSE 0 END) AS sold_out_minutes
    FROM in_use
    WHERE rooms_open > 0
    GROUP BY place_no, local_date, rooms_booked
),
ranked AS (
    SELECT place_no,
           local_date,
           rooms_booked,
           min_free_rooms,
           sold_out_minutes,
           sum(level_minutes) OVER (
               PARTITION BY place_no, local_date ORDER BY rooms_booked
               ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
           ) AS minutes_so_far,
           sum(level_minutes) OVER (PARTITION BY place_no, local_date) AS minutes_in_all
    FROM levels
),
peaks AS (
    SELECT place_no,
           local_date,
           CAST(max(rooms_booked) AS INTEGER) AS peak_rooms_in_use,
           CAST(min(CASE WHEN minutes_so_far * 100 >= minutes_in_all * 95 THEN rooms_booked END)
                AS INTEGER) AS p95_rooms_in_use,
           CAST(min(min_free_rooms) AS INTEGER) AS min_free_rooms,
           CAST(sum(sold_out_minutes) AS INTEGER) AS sold_out_minutes
    FROM ranked
    GROUP BY place_no, local_date
)
SELECT p.place_no,
       p.local_date,
       o.rooms_open,
       p.peak_rooms_in_use,
       p.p95_rooms_in_use,
       p.min_free_rooms,
       CASE WHEN o.rooms_listed >= 2 THEN p.sold_out_minutes END AS sold_out_minutes
FROM peaks AS p
JOIN open_places AS o ON o.place_no = p.place_no AND o.local_date = p.local_date
WHERE o.rooms_open > 0
  AND o.rooms_listed > 0
