-- The rooms in the page's order, without personal rooms.
SELECT coalesce(r.name, r.room_id) AS name,
       r.floor,
       r.capacity,
       p.building_no AS building,
       p.band_no AS band
FROM places AS p
JOIN rooms AS r ON r.room_id = p.room_id
ORDER BY p.room_no
