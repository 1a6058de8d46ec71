-- Work table: every place that each room is part of.
SELECT r.room_no, r.phase_minutes, p.place_no
FROM room_places AS r
JOIN larger_places AS p ON p.smallest_place = r.smallest_place
