SELECT room, (epoch_us(starts_at) // 60000000)::INTEGER AS starts,
       ((epoch_us(ends_at) + 59999999) // 60000000)::INTEGER AS ends,
       coalesce(invited_headcount, 0)::INTEGER AS invited,
       (local_start_date - CAST($first AS DATE))::INTEGER AS day
FROM bookings JOIN numbered USING (room_id)
WHERE (status = 'booked' OR (status = 'held' AND $is_held_counted)) AND ends_at > starts_at
  AND local_start_date BETWEEN $first AND $last
  AND local_start_date >= valid_from AND local_start_date < valid_to
