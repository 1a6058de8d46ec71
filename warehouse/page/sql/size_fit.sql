-- Bookings by invited headcount, as far as the minimum group lets the database hold them.
SELECT b.building_no AS building,
       c.band_no AS band,
       w.month_no AS month,
       f.headcount_band AS label,
       CAST(sum(f.bookings) AS BIGINT) AS bookings
FROM size_fit AS f
JOIN buildings AS b ON b.building IS NOT DISTINCT FROM f.building
JOIN bands AS c ON c.capacity_band IS NOT DISTINCT FROM f.capacity_band
JOIN weeks AS w ON w.iso_week = f.iso_week
GROUP BY b.building_no, c.band_no, w.month_no, f.headcount_band
ORDER BY b.building_no, c.band_no, w.month_no, f.headcount_band
