-- Bookings by kind, duration and lead time, without the cells that the minimum group leaves out.
SELECT s.region,
       c.building,
       c.capacity_band,
       c.iso_week,
       c.kind,
       c.duration_band,
       c.lead_time_band,
       c.bookings,
       c.booked_minutes,
       c.external_bookings,
       c.external_known_bookings
FROM mix_cells AS c
CROSS JOIN settings AS s
WHERE c.is_published
ORDER BY c.building, c.capacity_band, c.iso_week, c.kind, c.duration_band, c.lead_time_band
