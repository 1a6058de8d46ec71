SELECT v.room_id, coalesce(v.site, ''), coalesce(v.building, ''), r.time_zone, v.capacity,
       v.room_type IN ('desk', 'office', 'executive'), v.part_of, v.closed_on, v.valid_from, v.valid_to
FROM rooms_as_of AS v JOIN rooms AS r USING (room_id)
ORDER BY v.room_id, v.valid_from
