-- A day on which every room is closed has no row in room_days, and was read all the same.
SELECT min(local_date), max(local_date) FROM coverage, build_info
WHERE read_at IS NOT NULL AND local_date <= data_through AND EXISTS (FROM room_days)
