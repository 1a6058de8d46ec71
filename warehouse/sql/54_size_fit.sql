-- Bookings by invited headcount against capacity, without the cells that are left out.
SELECT s.region,
       c.building,
       c.capacity_band,
       c.iso_week,
       c.headcount_band,
       c.bookings,
       c.booked_minutes,
       c.seat_minutes_used,
       c.seat_minutes_offered
FROM fit_cells AS c
CROSS JOIN settings AS s
WHERE c.is_published
ORDER BY c.building, c.capacity_band, c.iso_week, c.headcount_band
