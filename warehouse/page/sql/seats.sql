-- Seats used and offered by bookings with known headcount and capacity: seat fill.
SELECT b.building_no AS building,
       c.band_no AS band,
       w.month_no AS month,
       CAST(coalesce(sum(f.seat_minutes_used), 0) AS BIGINT) AS seat_minutes_used,
       CAST(coalesce(sum(f.seat_minutes_offered), 0) AS BIGINT) AS seat_minutes_offered
FROM size_fit AS f
JOIN buildings AS b ON b.building IS NOT DISTINCT FROM f.building
JOIN bands AS c ON c.capacity_band IS NOT DISTINCT FROM f.capacity_band
JOIN weeks AS w ON w.iso_week = f.iso_week
GROUP BY b.building_no, c.band_no, w.month_no
ORDER BY b.building_no, c.band_no, w.month_no
