-- Rooms booked at once by building and capacity band.
SELECT s.region,
       p.site,
       p.building,
       p.capacity_band,
       u.local_date,
       u.rooms_open,
       u.peak_rooms_in_use,
       u.p95_rooms_in_use,
       u.min_free_rooms,
       u.sold_out_minutes
FROM in_use AS u
JOIN places AS p ON p.place_no = u.place_no
CROSS JOIN settings AS s
WHERE p.level = 'building_size'
ORDER BY u.local_date, u.place_no
