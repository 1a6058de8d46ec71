-- Work table: the bookings that can touch this pass: those of its own days, and those of earlier
-- days that still run, however long ago they began (R10).
-- Minutes are counted from the year 1 on the room's shifted clock: UTC plus the part of the zone's
-- offset under one hour, so that a multiple of 60 is a full hour of local time. Starts are rounded
-- down to the minute, ends up (R1). Years before 1970 work too, since nothing is negative.
-- UTC dates are computed from minutes too: casting an instant to a date asks ICU.
-- known_from is the minute from which the calendar had the booking; long ago if that is unknown.
SELECT room_no, local_start_date, starts_minute, ends_minute, is_all_day, is_booked, is_own,
       known_from
FROM live_before AS b
JOIN directory AS d USING (room_no)
JOIN pass_zones AS z ON z.zone_no = d.zone_no
CROSS JOIN pass AS p
WHERE b.ends_minute > z.first_cell * 60
   OR b.local_start_date >= p.first_date
UNION ALL
SELECT d.room_no,
       b.lake_date AS local_start_date,
       start_minute(b.starts_at) + d.phase_minutes AS starts_minute,
       end_minute(b.ends_at) + d.phase_minutes AS ends_minute,
       b.is_all_day,
       b.status = 'booked' OR s.count_held_as_booked AS is_booked,
       d.is_own,
       coalesce(v.moved_minute, start_minute(b.created_at), 0) + d.phase_minutes AS known_from
FROM lake_bookings AS b
JOIN booked_rooms AS d
    ON d.booked_room_id = b.room_id
   AND d.valid_to > b.lake_date - 2
   AND d.valid_from < DATE '0001-01-01' + CAST(start_minute(b.ends_at) // 1440 AS INTEGER) + 2
LEFT JOIN moved_here AS v
    ON v.room_id = b.room_id
   AND v.starts_at = b.starts_at
   AND v.ends_at = b.ends_at
   AND v.created_at = b.created_at
CROSS JOIN settings AS s
WHERE b.status IN ('booked', 'held')
  AND b.ends_at > b.starts_at
