-- Work table: the masks of every hour of the room-days read that is open or has a booking.
-- part_mask is the part of the hour that belongs to this local date and hour: all of it, unless a
-- clock change cuts the hour in two.
SELECT r.room_no,
       r.local_date,
       c.local_hour,
       c.cell,
       c.is_split,
       c.open_mask,
       coalesce((k.timed_mask | k.all_day_mask) & c.open_mask, 0) AS booked_mask,
       coalesce(k.timed_mask & c.part_mask & ~c.open_mask, 0) AS outside_mask,
       coalesce(k.held_mask & c.open_mask & ~(k.timed_mask | k.all_day_mask), 0) AS held_mask,
       coalesce(o.overlap_mask & c.open_mask, 0) AS overlap_mask
FROM room_dates AS r
JOIN calendar AS c ON c.profile = r.profile AND c.local_date = r.local_date
LEFT JOIN cells AS k ON k.room_no = r.room_no AND k.cell = c.cell
LEFT JOIN shared AS o ON o.room_no = r.room_no AND o.cell = c.cell
WHERE c.open_mask <> 0
   OR (k.timed_mask & c.part_mask) <> 0
