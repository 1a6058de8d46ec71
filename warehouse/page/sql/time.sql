-- Time by building, capacity band and slice: sums only, so that the browser can add them up (R9).
SELECT b.building_no AS building,
       c.band_no AS band,
       d.slice_no AS slice,
       CAST(sum(u.rooms) AS BIGINT) AS room_days,
       CAST(sum(u.rooms_loaded) AS BIGINT) AS room_days_loaded,
       CAST(coalesce(sum(u.open_minutes), 0) AS BIGINT) AS open_minutes,
       CAST(coalesce(sum(u.booked_minutes), 0) AS BIGINT) AS booked_minutes,
       CAST(coalesce(sum(u.held_minutes), 0) AS BIGINT) AS held_minutes,
       CAST(coalesce(sum(u.bookings), 0) AS BIGINT) AS bookings
FROM utilization AS u
JOIN buildings AS b ON b.building IS NOT DISTINCT FROM u.building
JOIN bands AS c ON c.capacity_band IS NOT DISTINCT FROM u.capacity_band
JOIN days AS d ON d.local_date = u.local_date
WHERE u.room_type NOT IN (SELECT room_type FROM personal_room_types)
GROUP BY b.building_no, c.band_no, d.slice_no
ORDER BY b.building_no, c.band_no, d.slice_no
