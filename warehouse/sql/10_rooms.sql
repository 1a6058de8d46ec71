-- One room of the directory a row.
SELECT s.region,
       d.room_id,
       d.name,
       d.site,
       d.building,
       d.floor,
       d.country,
       d.time_zone,
       d.capacity,
       CASE WHEN d.capacity IS NULL OR d.capacity < 1 THEN NULL
            WHEN d.capacity = 1 THEN '1'
            WHEN d.capacity <= 4 THEN '2-4'
            WHEN d.capacity <= 8 THEN '5-8'
            WHEN d.capacity <= 14 THEN '9-14'
            WHEN d.capacity <= 30 THEN '15-30'
            ELSE '31+' END AS capacity_band,
       d.room_type
FROM directory AS d
CROSS JOIN settings AS s
ORDER BY d.room_no
