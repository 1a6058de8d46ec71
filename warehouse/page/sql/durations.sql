-- Bookings by duration, as far as the minimum group lets the database hold them.
SELECT b.building_no AS building,
       c.band_no AS band,
       w.month_no AS month,
       m.duration_band AS label,
       CAST(sum(m.bookings) AS BIGINT) AS bookings
FROM booking_mix AS m
JOIN buildings AS b ON b.building IS NOT DISTINCT FROM m.building
JOIN bands AS c ON c.capacity_band IS NOT DISTINCT FROM m.capacity_band
JOIN weeks AS w ON w.iso_week = m.iso_week
GROUP BY b.building_no, c.band_no, w.month_no, m.duration_band
ORDER BY b.building_no, c.band_no, w.month_no, m.duration_band
