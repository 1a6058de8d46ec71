-- Work table: the room-days of this pass whose bookings are final: read two dates (UTC) after the day or
-- later, when it was over in every zone; without personal rooms, and rooms out of use.
SELECT r.room_no, r.local_date, b.building_no
FROM room_dates AS r
JOIN directory AS d ON d.room_no = r.room_no
JOIN lake_day_coverage AS c ON c.room_id = d.room_id AND c.lake_date = r.local_date
JOIN ahead_buildings AS b ON b.building IS NOT DISTINCT FROM d.building
CROSS JOIN settings AS s
WHERE r.is_in_use
  AND NOT r.is_whole
  AND NOT d.is_personal
  AND r.local_date <= s.through_date
  AND CAST(c.read_at AS DATE) > r.local_date + 1
