-- Work table: every booking cut at the full hours that it touches; bit i of a mask is minute i.
SELECT room_no,
       cell,
       is_all_day,
       is_booked,
       (CAST(1 AS BIGINT) << CAST(least(ends_minute - cell * 60, 60) AS INTEGER))
           - (CAST(1 AS BIGINT) << CAST(greatest(starts_minute - cell * 60, 0) AS INTEGER)) AS mask
FROM (
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
) AS hours
