-- Work table: the rooms that a booking takes, in each of their versions (R18): its own room, and
-- the parts of that room (R25).
SELECT room_id AS booked_room_id, room_no, phase_minutes, valid_from, valid_to, true AS is_own
FROM directory
UNION ALL
SELECT part_of AS booked_room_id, room_no, phase_minutes, valid_from, valid_to, false AS is_own
FROM directory
WHERE part_of IS NOT NULL
