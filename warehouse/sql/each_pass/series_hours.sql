-- Work table: booked occurrences in the four weeks after data_through, with local weekday and hour.
-- Those of one room with one created_at are taken for one series (R21).
SELECT d.room_id,
       b.created_at,
       t.weekday,
       k.local_hour,
       end_minute(b.ends_at) - start_minute(b.starts_at) AS minutes,
       b.invited_headcount,
       b.headcount_is_lower_bound
FROM lake_ahead_bookings AS b
JOIN directory AS d
    ON d.room_id = b.room_id AND b.lake_date >= d.valid_from AND b.lake_date < d.valid_to
JOIN room_dates AS r ON r.room_no = d.room_no AND r.local_date = b.lake_date
JOIN calendar AS k
    ON k.profile = d.profile
   AND k.local_date = b.lake_date
   AND k.cell = (start_minute(b.starts_at) + d.phase_minutes) // 60
   AND (k.part_mask >> ((start_minute(b.starts_at) + d.phase_minutes) % 60)) & 1 = 1
JOIN dates AS t ON t.local_date = b.lake_date
CROSS JOIN settings AS s
WHERE NOT d.is_personal
  AND (b.status = 'booked' OR (b.status = 'held' AND s.count_held_as_booked))
  AND b.ends_at > b.starts_at
  AND b.kind IN ('occurrence', 'exception')
  AND b.created_at <= s.built_at - INTERVAL 8 WEEK
