-- Work table: every booking cut at the full hours that it touches; bit i of a mask is minute i.
-- An all-day booking never fills time outside hours (R6): its pieces are cut to open time here.
WITH hours AS (
    SELECT b.room_no,
           b.is_all_day,
           b.is_booked,
           b.starts_minute,
           b.ends_minute,
           unnest(range(greatest(b.starts_minute // 60, z.first_cell),
                        least((b.ends_minute - 1) // 60, z.last_cell) + 1)) AS cell
    FROM live AS b
    JOIN directory AS d ON d.room_no = b.room_no
    JOIN pass_zones AS z ON z.zone_no = d.zone_no
),
pieces AS (
    SELECT room_no,
           cell,
           is_all_day,
           is_booked,
           (CAST(1 AS BIGINT) << CAST(least(ends_minute - cell * 60, 60) AS INTEGER))
               - (CAST(1 AS BIGINT) << CAST(greatest(starts_minute - cell * 60, 0) AS INTEGER))
               AS mask
    FROM hours
)
SELECT room_no, cell, is_booked, mask
FROM pieces
WHERE NOT is_all_day
UNION ALL
SELECT p.room_no, p.cell, p.is_booked, p.mask & c.open_mask AS mask
FROM pieces AS p
JOIN directory AS d ON d.room_no = p.room_no
JOIN calendar AS c ON c.profile = d.profile AND c.cell = p.cell
WHERE p.is_all_day
  AND c.open_mask <> 0
  AND (d.opened_on IS NULL OR c.local_date >= d.opened_on)
  AND (d.closed_on IS NULL OR c.local_date < d.closed_on)
