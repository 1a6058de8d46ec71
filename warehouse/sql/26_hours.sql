-- Work table: minutes by room and local hour. Only the hours of a clock change have several rows
-- to be summed: the repeated hour is one row of up to 120 minutes.
SELECT room_no,
       local_date,
       local_hour,
       CAST(bit_count(open_mask) AS INTEGER) AS open_minutes,
       CAST(bit_count(booked_mask) AS INTEGER) AS booked_minutes,
       CAST(bit_count(outside_mask) AS INTEGER) AS booked_minutes_outside_hours,
       CAST(bit_count(held_mask) AS INTEGER) AS held_minutes,
       CAST(bit_count(overlap_mask) AS INTEGER) AS overlap_minutes
FROM masks
WHERE NOT is_split
UNION ALL
SELECT room_no,
       local_date,
       local_hour,
       CAST(sum(bit_count(open_mask)) AS INTEGER) AS open_minutes,
       CAST(sum(bit_count(booked_mask)) AS INTEGER) AS booked_minutes,
       CAST(sum(bit_count(outside_mask)) AS INTEGER) AS booked_minutes_outside_hours,
       CAST(sum(bit_count(held_mask)) AS INTEGER) AS held_minutes,
       CAST(sum(bit_count(overlap_mask)) AS INTEGER) AS overlap_minutes
FROM masks
WHERE is_split
GROUP BY room_no, local_date, local_hour
