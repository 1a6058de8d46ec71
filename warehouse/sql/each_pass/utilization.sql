-- Utilization by site, building, floor, room type, capacity band and day: sums over sums (R9).
-- Personal rooms appear only in cells with at least the minimum group of open ones, all of them read:
-- a room read a night later would stand out in the difference between the two nights.
-- A cell whose open rooms were never read has no measures (R13), except bookings in closed rooms.
SELECT s.region,
       u.site,
       u.building,
       u.floor,
       u.room_type,
       u.capacity_band,
       u.local_date,
       u.rooms,
       u.rooms_loaded,
       CASE WHEN u.rooms_loaded > 0 OR u.bookings > 0 THEN u.open_minutes END AS open_minutes,
       CASE WHEN u.rooms_loaded > 0 OR u.bookings > 0 THEN u.booked_minutes END AS booked_minutes,
       CASE WHEN u.rooms_loaded > 0 OR u.bookings > 0 THEN u.held_minutes END AS held_minutes,
       CASE WHEN u.rooms_loaded > 0 OR u.bookings > 0 THEN u.bookings END AS bookings,
       CAST(u.booked_minutes AS DOUBLE) / nullif(u.open_minutes, 0) AS booked_utilization
FROM utilization_cells AS u
CROSS JOIN settings AS s
WHERE NOT u.is_personal
   OR (u.rooms_loaded >= s.minimum_group AND u.rooms_loaded = u.rooms)
ORDER BY u.local_date, u.site, u.building, u.floor, u.room_type, u.capacity_band
