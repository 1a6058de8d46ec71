-- Rooms booked at once, over the minutes of a day with any room of the cell open.
-- Equal pairs of masks are counted first; then an hour is cut into runs of minutes in which no
-- room changes, mostly two or three, and each run is counted once. Hours are UTC hours here, so
-- that rooms of zones with another phase can stand in one cell.
WITH shifted AS (
    SELECT g.group_no, m.local_date, m.cell, d.phase_minutes, m.open_mask, m.booked_mask
    FROM masks AS m
    JOIN room_groups AS g ON g.room_no = m.room_no
    JOIN directory AS d ON d.room_no = m.room_no
    CROSS JOIN settings AS s
    WHERE m.open_mask <> 0
      AND m.local_date <= s.through_date
),
utc_hours AS (
    SELECT group_no, local_date, cell,
           open_mask >> phase_minutes AS open_mask,
           booked_mask >> phase_minutes AS booked_mask
    FROM shifted
    UNION ALL
    SELECT group_no, local_date, cell - 1 AS cell,
           (open_mask & ((CAST(1 AS BIGINT) << phase_minutes) - 1)) << (60 - phase_minutes)
               AS open_mask,
           (booked_mask & ((CAST(1 AS BIGINT) << phase_minutes) - 1)) << (60 - phase_minutes)
               AS booked_mask
    FROM shifted
    WHERE phase_minutes > 0
),
counted AS (
    SELECT group_no, local_date, cell, open_mask, booked_mask, count(*) AS rooms
    FROM utc_hours
    WHERE open_mask <> 0
    GROUP BY group_no, local_date, cell, open_mask, booked_mask
),
changes AS (
    SELECT group_no, local_date, cell,
           bit_or((open_mask | (open_mask << 1)) - (open_mask & (open_mask << 1))
                  | (booked_mask | (booked_mask << 1)) - (booked_mask & (booked_mask << 1))
                  | 1) & 1152921504606846975 AS change_mask
    FROM counted
    GROUP BY group_no, local_date, cell
),
runs AS (
    SELECT c.group_no, c.local_date, c.cell, m.minute, c.change_mask >> (m.minute + 1) AS later_mask
    FROM changes AS c
    CROSS JOIN minutes AS m
    WHERE (c.change_mask >> m.minute) & 1 = 1
),
in_use AS (
    SELECT r.group_no,
           r.local_date,
           CASE WHEN r.later_mask = 0 THEN 60 - r.minute
                ELSE bit_count((r.later_mask & -r.later_mask) - 1) + 1 END AS run_minutes,
           sum(c.rooms * ((c.open_mask >> r.minute) & 1)) AS rooms_open,
           sum(c.rooms * ((c.booked_mask >> r.minute) & 1)) AS rooms_booked
    FROM runs AS r
    JOIN counted AS c
        ON c.group_no = r.group_no AND c.local_date = r.local_date AND c.cell = r.cell
    GROUP BY r.group_no, r.local_date, r.cell, r.minute, r.later_mask
),
levels AS (
    SELECT group_no,
           local_date,
           rooms_booked,
           min(rooms_open - rooms_booked) AS min_free_rooms,
           sum(run_minutes) AS level_minutes,
           sum(CASE WHEN rooms_open = rooms_booked THEN run_minutes ELSE 0 END) AS sold_out_minutes
    FROM in_use
    WHERE rooms_open > 0
    GROUP BY group_no, local_date, rooms_booked
),
ranked AS (
    SELECT group_no,
           local_date,
           rooms_booked,
           min_free_rooms,
           sold_out_minutes,
           sum(level_minutes) OVER (
               PARTITION BY group_no, local_date ORDER BY rooms_booked
               ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
           ) AS minutes_so_far,
           sum(level_minutes) OVER (PARTITION BY group_no, local_date) AS minutes_in_all
    FROM levels
),
peaks AS (
    SELECT group_no,
           local_date,
           CAST(max(rooms_booked) AS INTEGER) AS peak_rooms_in_use,
           CAST(min(CASE WHEN minutes_so_far * 100 >= minutes_in_all * 95 THEN rooms_booked END)
                AS INTEGER) AS p95_rooms_in_use,
           CAST(min(min_free_rooms) AS INTEGER) AS min_free_rooms,
           CAST(sum(sold_out_minutes) AS INTEGER) AS sold_out_minutes
    FROM ranked
    GROUP BY group_no, local_date
),
open_rooms AS (
    SELECT g.group_no,
           g.site,
           g.building,
           g.capacity_band,
           g.group_rooms,
           f.local_date,
           CAST(count(*) AS INTEGER) AS rooms_open
    FROM days AS f
    JOIN room_groups AS g ON g.room_no = f.room_no
    WHERE f.open_minutes > 0
    GROUP BY g.group_no, g.site, g.building, g.capacity_band, g.group_rooms, f.local_date
)
SELECT s.region,
       o.site,
       o.building,
       o.capacity_band,
       p.local_date,
       o.rooms_open,
       p.peak_rooms_in_use,
       p.p95_rooms_in_use,
       p.min_free_rooms,
       CASE WHEN o.group_rooms >= 2 THEN p.sold_out_minutes END AS sold_out_minutes
FROM peaks AS p
JOIN open_rooms AS o ON o.group_no = p.group_no AND o.local_date = p.local_date
CROSS JOIN settings AS s
ORDER BY p.local_date, p.group_no
