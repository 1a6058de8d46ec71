-- Work table: every booking cut at the full hours that it touches; bit i of a mask is minute i.
-- An all-day booking never fills time outside hours (R6): its pieces are cut to open time here.
-- The two kinds are read apart: one common table of spans would be written out and read twice.
WITH timed AS (
    SELECT b.room_no,
           b.is_booked,
           b.starts_minute,
           b.ends_minute,
           unnest(range(greatest(b.starts_minute // 60, z.first_cell),
                        least((b.ends_minute - 1) // 60, z.last_cell) + 1)) AS cell
    FROM live AS b
    JOIN directory AS d ON d.room_no = b.room_no
    JOIN pass_zones AS z ON z.zone_no = d.zone_no
    WHERE NOT b.is_all_day
),
all_day AS (
    SELECT b.room_no,
           d.profile,
           d.opened_on,
           d.closed_on,
           b.is_booked,
           b.starts_minute,
           b.ends_minute,
           unnest(range(greatest(b.starts_minute // 60, z.first_cell),
                        least((b.ends_minute - 1) // 60, z.last_cell) + 1)) AS cell
    FROM live AS b
    JOIN directory AS d ON d.room_no = b.room_no
    JOIN pass_zones AS z ON z.zone_no = d.zone_no
    WHERE b.is_all_day
)
SELECT room_no,
       cell,
       is_booked,
       (CAST(1 AS BIGINT) << CAST(least(ends_minute - cell * 60, 60) AS INTEGER))
           - (CAST(1 AS BIGINT) << CAST(greatest(starts_minute - cell * 60, 0) AS INTEGER)) AS mask
FROM timed
UNION ALL
SELECT a.room_no,
       a.cell,
       a.is_booked,
       c.open_mask
           & ((CAST(1 AS BIGINT) << CAST(least(a.ends_minute - a.cell * 60, 60) AS INTEGER))
              - (CAST(1 AS BIGINT) << CAST(greatest(a.starts_minute - a.cell * 60, 0) AS INTEGER)))
           AS mask
FROM all_day AS a
JOIN calendar AS c ON c.profile = a.profile AND c.cell = a.cell
WHERE c.open_mask <> 0
  AND (a.opened_on IS NULL OR c.local_date >= a.opened_on)
  AND (a.closed_on IS NULL OR c.local_date < a.closed_on)
