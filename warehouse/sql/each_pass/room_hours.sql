-- Every local hour in which a room is open or booked, up to data_through; no personal rooms.
-- Only hours of a clock change sum several masks: the repeated hour is one row of up to 120
-- minutes. Sorted like the masks (masks.py).
WITH hours AS (
    SELECT room_no,
           local_date,
           local_hour,
           bit_count(open_mask) AS open_minutes,
           bit_count(booked_mask) AS booked_minutes,
           bit_count(outside_mask) AS booked_minutes_outside_hours,
           bit_count(held_mask) AS held_minutes,
           bit_count(overlap_mask) AS overlap_minutes
    FROM masks
    WHERE NOT is_split
    UNION ALL
    SELECT room_no,
           local_date,
           local_hour,
           sum(bit_count(open_mask)) AS open_minutes,
           sum(bit_count(booked_mask)) AS booked_minutes,
           sum(bit_count(outside_mask)) AS booked_minutes_outside_hours,
           sum(bit_count(held_mask)) AS held_minutes,
           sum(bit_count(overlap_mask)) AS overlap_minutes
    FROM masks
    WHERE is_split
    GROUP BY room_no, local_date, local_hour
)
SELECT s.region,
       d.room_id,
       h.local_date,
       h.local_hour,
       CAST(h.open_minutes AS INTEGER) AS open_minutes,
       CAST(h.booked_minutes AS INTEGER) AS booked_minutes,
       CAST(h.booked_minutes_outside_hours AS INTEGER) AS booked_minutes_outside_hours,
       CAST(h.held_minutes AS INTEGER) AS held_minutes,
       CAST(h.overlap_minutes AS INTEGER) AS overlap_minutes
FROM hours AS h
JOIN directory AS d ON d.room_no = h.room_no
CROSS JOIN settings AS s
WHERE NOT d.is_personal
  AND h.local_date <= s.through_date
