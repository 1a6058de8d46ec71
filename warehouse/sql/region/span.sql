SELECT min(local_date), max(local_date),
       (SELECT count(*) FROM rooms WHERE room_type IN ('desk', 'office', 'executive'))
FROM room_days
