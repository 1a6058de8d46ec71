-- Time by building, capacity band and slice: sums only, so that the browser can add them up (R9).
-- Sold out is known on shared_days only: it needs at least two rooms. open_days and used_days count
-- where a room is now, all else where it was on the day (R18); moved_days are the open days on which
-- it was in another building.
WITH used AS (
    SELECT b.building_no,
           c.band_no,
           d.slice_no,
           CAST(sum(u.rooms) AS BIGINT) AS room_days,
           CAST(sum(u.rooms_loaded) AS BIGINT) AS room_days_loaded,
           CAST(coalesce(sum(u.open_minutes), 0) AS BIGINT) AS open_minutes,
           CAST(coalesce(sum(u.booked_minutes), 0) AS BIGINT) AS booked_minutes,
           CAST(coalesce(sum(u.held_minutes), 0) AS BIGINT) AS held_minutes
    FROM utilization AS u
    JOIN buildings AS b ON b.building IS NOT DISTINCT FROM u.building
    JOIN bands AS c ON c.capacity_band IS NOT DISTINCT FROM u.capacity_band
    JOIN days AS d ON d.local_date = u.local_date
    WHERE u.room_type NOT IN (SELECT room_type FROM personal_room_types)
    GROUP BY b.building_no, c.band_no, d.slice_no
),
room_use AS (
    SELECT p.building_no,
           p.band_no,
           d.slice_no,
           count(CASE WHEN f.open_minutes > 0 THEN 1 END) AS open_days,
           count(CASE WHEN f.booked_minutes > 0 THEN 1 END) AS used_days,
           count(CASE WHEN f.open_minutes > 0 THEN e.room_id END) AS moved_days
    FROM room_days AS f
    JOIN places AS p ON p.room_id = f.room_id
    JOIN days AS d ON d.local_date = f.local_date
    LEFT JOIN elsewhere AS e
           ON e.room_id = f.room_id AND f.local_date >= e.valid_from AND f.local_date < e.valid_to
    GROUP BY p.building_no, p.band_no, d.slice_no
),
sold_out AS (
    SELECT b.building_no,
           c.band_no,
           d.slice_no,
           count(u.sold_out_minutes) AS shared_days,
           count(CASE WHEN u.sold_out_minutes > 0 THEN 1 END) AS sold_out_days
    FROM rooms_in_use AS u
    JOIN buildings AS b ON b.building IS NOT DISTINCT FROM u.building
    JOIN bands AS c ON c.capacity_band IS NOT DISTINCT FROM u.capacity_band
    JOIN days AS d ON d.local_date = u.local_date
    GROUP BY b.building_no, c.band_no, d.slice_no
)
SELECT coalesce(u.building_no, r.building_no) AS building,
       coalesce(u.band_no, r.band_no) AS band,
       coalesce(u.slice_no, r.slice_no) AS slice,
       coalesce(u.room_days, 0) AS room_days,
       coalesce(u.room_days_loaded, 0) AS room_days_loaded,
       coalesce(u.open_minutes, 0) AS open_minutes,
       coalesce(u.booked_minutes, 0) AS booked_minutes,
       coalesce(u.held_minutes, 0) AS held_minutes,
       coalesce(r.open_days, 0) AS open_days,
       coalesce(r.used_days, 0) AS used_days,
       coalesce(r.moved_days, 0) AS moved_days,
       coalesce(s.shared_days, 0) AS shared_days,
       coalesce(s.sold_out_days, 0) AS sold_out_days
FROM used AS u
FULL JOIN room_use AS r
       ON r.building_no = u.building_no AND r.band_no = u.band_no AND r.slice_no = u.slice_no
LEFT JOIN sold_out AS s
       ON s.building_no = u.building_no AND s.band_no = u.band_no AND s.slice_no = u.slice_no
ORDER BY building, band, slice
