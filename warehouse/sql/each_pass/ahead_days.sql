-- Work table: open and booked minutes of each building and day in the four weeks after data_through.
SELECT b.building_no,
       f.local_date,
       CAST(sum(f.open_minutes) AS BIGINT) AS open_minutes,
       array_value(CAST(sum(f.booked_minutes) AS BIGINT)) AS known
FROM days AS f
JOIN directory AS d ON d.room_no = f.room_no
JOIN ahead_buildings AS b ON b.building IS NOT DISTINCT FROM d.building
CROSS JOIN settings AS s
WHERE NOT d.is_personal
  AND f.local_date > s.through_date
  AND f.local_date <= s.through_date + 28
GROUP BY b.building_no, f.local_date
HAVING sum(f.open_minutes) > 0
