-- Recurring and external bookings, as far as the minimum group lets the database hold them.
SELECT b.building_no AS building,
       c.band_no AS band,
       w.month_no AS month,
       CAST(sum(m.bookings) AS BIGINT) AS bookings,
       CAST(sum(CASE WHEN m.kind <> 'single' THEN m.bookings ELSE 0 END) AS BIGINT)
           AS recurring_bookings,
       CAST(sum(m.external_bookings) AS BIGINT) AS external_bookings,
       CAST(sum(m.external_known_bookings) AS BIGINT) AS external_known_bookings
FROM booking_mix AS m
JOIN buildings AS b ON b.building IS NOT DISTINCT FROM m.building
JOIN bands AS c ON c.capacity_band IS NOT DISTINCT FROM m.capacity_band
JOIN weeks AS w ON w.iso_week = m.iso_week
GROUP BY b.building_no, c.band_no, w.month_no
ORDER BY b.building_no, c.band_no, w.month_no
