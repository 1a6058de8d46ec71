-- Work table: the masks of every hour of the room-days read that is open, and then of the hours
-- with a booking that the schedule, or the room's first and last day, leaves closed.
-- part_mask is the part of the hour that belongs to this local date and hour: all of it, unless a
-- clock change cuts the hour in two.
SELECT r.room_no,
       r.local_date,
       c.local_hour,
       c.cell,
       c.is_split,
       c.open_mask,
       coalesce(k.booked_mask & c.open_mask, 0) AS booked_mask,
       coalesce(k.booked_mask & c.part_mask & ~c.open_mask, 0) AS outside_mask,
       coalesce(k.held_mask & c.open_mask & ~k.booked_mask, 0) AS held_mask,
       coalesce(o.shared_mask & c.open_mask, 0) AS overlap_mask
FROM room_dates AS r
JOIN calendar AS c ON c.profile = r.profile AND c.local_date = r.local_date
LEFT JOIN cells AS k ON k.room_no = r.room_no AND k.cell = c.cell
LEFT JOIN shared AS o ON o.room_no = r.room_no AND o.cell = c.cell
WHERE r.is_in_use
  AND c.open_mask <> 0
UNION ALL
SELECT r.room_no,
       r.local_date,
       c.local_hour,
       c.cell,
       c.is_split,
       0 AS open_mask,
       0 AS booked_mask,
       k.booked_mask & c.part_mask AS outside_mask,
       0 AS held_mask,
       0 AS overlap_mask
FROM cells AS k
JOIN directory AS d ON d.room_no = k.room_no
JOIN calendar AS c ON c.profile = d.profile AND c.cell = k.cell
JOIN room_dates AS r ON r.room_no = k.room_no AND r.local_date = c.local_date
WHERE c.open_mask = 0
  AND k.booked_mask & c.part_mask <> 0
UNION ALL
SELECT r.room_no,
       r.local_date,
       c.local_hour,
       c.cell,
       c.is_split,
       0 AS open_mask,
       0 AS booked_mask,
       k.booked_mask & c.part_mask AS outside_mask,
       0 AS held_mask,
       0 AS overlap_mask
FROM cells AS k
JOIN directory AS d ON d.room_no = k.room_no
JOIN calendar AS c ON c.profile = d.profile AND c.cell = k.cell
JOIN room_dates AS r ON r.room_no = k.room_no AND r.local_date = c.local_date
WHERE c.open_mask <> 0
  AND NOT r.is_in_use
  AND k.booked_mask & c.part_mask <> 0
