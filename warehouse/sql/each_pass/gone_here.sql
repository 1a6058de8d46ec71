-- Work table: bookings of gone that can touch this pass, on the shifted clock of live.
SELECT d.room_no,
       g.starts_minute + d.phase_minutes AS starts_minute,
       g.ends_minute + d.phase_minutes AS ends_minute,
       g.known_minute + d.phase_minutes AS known_from,
       g.gone_minute + d.phase_minutes AS gone_at
FROM gone AS g
JOIN booked_rooms AS d ON d.booked_room_id = g.room_id
JOIN directory AS v ON v.room_no = d.room_no
JOIN pass_zones AS z ON z.zone_no = v.zone_no
CROSS JOIN pass AS p
WHERE g.ends_minute + d.phase_minutes > z.first_cell * 60
  AND g.starts_minute < z.first_cell * 60 + (p.last_date - p.first_date + 3) * 1440
