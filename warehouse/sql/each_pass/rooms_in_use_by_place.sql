-- Rooms booked at once on a whole floor, in a whole building, or at a whole site.
SELECT s.region,
       p.level,
       p.site,
       p.building,
       p.floor,
       u.local_date,
       u.rooms_open,
       u.peak_rooms_in_use,
       u.p95_rooms_in_use,
       u.min_free_rooms,
       u.sold_out_minutes
FROM in_use AS u
JOIN places AS p ON p.place_no = u.place_no
CROSS JOIN settings AS s
WHERE p.level <> 'building_size'
ORDER BY u.local_date, u.place_no
