SELECT room, local_date - CAST($first AS DATE) AS day
FROM room_days JOIN numbered USING (room_id)
WHERE local_date BETWEEN $first AND $last AND local_date >= valid_from AND local_date < valid_to
