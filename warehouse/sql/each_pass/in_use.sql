-- Work table: rooms booked at once in each place, over the minutes of a day with any room of it open.
-- Equal pairs of masks are counted first. A pair is a list of changes: at which minutes of the hour so
-- many rooms open or close, are booked or become free. Changes can be added up for any place, and
-- their running sum is what is open and booked from one change to the next. Hours are UTC hours
-- here, so that rooms of zones with another phase can stand in one place.
WITH shifted AS (
    SELECT r.smallest_place, m.local_date, m.cell, r.phase_minutes, m.open_mask, m.booked_mask
    FROM masks AS m
    JOIN room_places AS r ON r.room_no = m.room_no
    CROSS JOIN settings AS s
    WHERE m.open_mask <> 0
      AND m.local_date <= s.through_date
),
utc_hours AS (
    SELECT smallest_place, local_date, cell,
           open_mask >> phase_minutes AS open_mask,
           booked_mask >> phase_minutes AS booked_mask
    FROM shifted
    UNION ALL
    SELECT smallest_place, local_date, cell - 1 AS cell,
           (open_mask & ((CAST(1 AS BIGINT) << phase_minutes) - 1)) << (60 - phase_minutes)
               AS open_mask,
           (booked_mask & ((CAST(1 AS BIGINT) << phase_minutes) - 1)) << (60 - phase_minutes)
               AS booked_mask
    FROM shifted
    WHERE phase_minutes > 0
),
counted AS (
    SELECT smallest_place, local_date, cell, open_mask, booked_mask, count(*) AS rooms
    FROM utc_hours
    WHERE open_mask <> 0
    GROUP BY smallest_place, local_date, cell, open_mask, booked_mask
),
pairs AS (
    SELECT DISTINCT open_mask, booked_mask FROM counted
),
pair_changes AS (
    SELECT p.open_mask,
           p.booked_mask,
           m.minute,
           ((p.open_mask >> m.minute) & 1) - (((p.open_mask << 1) >> m.minute) & 1) AS opened,
           ((p.booked_mask >> m.minute) & 1) - (((p.booked_mask << 1) >> m.minute) & 1) AS booked
    FROM pairs AS p
    CROSS JOIN minutes AS m
    WHERE m.minute < 60
      AND ((xor(p.open_mask, p.open_mask << 1) | xor(p.booked_mask, p.booked_mask << 1))
           >> m.minute) & 1 = 1
),
changes AS (
    SELECT c.smallest_place,
           c.local_date,
           c.cell,
           p.minute,
           sum(c.rooms * p.opened) AS opened,
           sum(c.rooms * p.booked) AS booked
    FROM counted AS c
    JOIN pair_changes AS p ON p.open_mask = c.open_mask AND p.booked_mask = c.booked_mask
    GROUP BY c.smallest_place, c.local_date, c.cell, p.minute
),
place_changes AS (
    SELECT p.place_no,
           c.local_date,
           c.cell,
           c.minute,
           sum(c.opened) AS opened,
           sum(c.booked) AS booked
    FROM changes AS c
    JOIN larger_places AS p ON p.smallest_place = c.smallest_place
    GROUP BY p.place_no, c.local_date, c.cell, c.minute
),
in_use AS (
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
),
open_rooms AS (
    SELECT p.place_no, f.local_date, CAST(count(*) AS INTEGER) AS rooms_open
    FROM days AS f
    JOIN room_places AS r ON r.room_no = f.room_no
    JOIN larger_places AS p ON p.smallest_place = r.smallest_place
    WHERE f.open_minutes > 0
    GROUP BY p.place_no, f.local_date
),
listed_rooms AS (
    SELECT p.place_no, t.local_date, count(*) AS rooms
    FROM room_places AS r
    JOIN larger_places AS p ON p.smallest_place = r.smallest_place
    CROSS JOIN dates AS t
    CROSS JOIN pass AS a
    LEFT JOIN whole_days AS w ON w.room_no = r.room_no AND w.local_date = t.local_date
    WHERE t.local_date BETWEEN a.first_date AND a.last_date
      AND t.local_date >= r.valid_from
      AND t.local_date < r.valid_to
      AND w.room_no IS NULL
    GROUP BY p.place_no, t.local_date
)
SELECT p.place_no,
       p.local_date,
       o.rooms_open,
       p.peak_rooms_in_use,
       p.p95_rooms_in_use,
       p.min_free_rooms,
       CASE WHEN l.rooms >= 2 THEN p.sold_out_minutes END AS sold_out_minutes
FROM peaks AS p
JOIN open_rooms AS o ON o.place_no = p.place_no AND o.local_date = p.local_date
JOIN listed_rooms AS l ON l.place_no = p.place_no AND l.local_date = p.local_date
