-- Work table: the room-days of this pass whose bookings are final, without personal rooms and rooms
-- out of use.
SELECT r.room_no, r.local_date, b.building_no
FROM room_dates AS r
JOIN directory AS d ON d.room_no = r.room_no
JOIN ahead_buildings AS b ON b.building IS NOT DISTINCT FROM d.building
CROSS JOIN settings AS s
WHERE r.is_in_use
  AND r.is_final
  AND NOT r.is_whole
  AND NOT d.is_personal
  AND r.local_date <= s.through_date
