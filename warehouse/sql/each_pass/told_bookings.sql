-- Work table: how many bookings of each room and month the published minutes tell apart, at most.
SELECT f.room_no,
       date_trunc('month', f.local_date) AS month,
       CAST(sum(f.told_bookings) AS BIGINT) AS told
FROM days AS f
JOIN directory AS d ON d.room_no = f.room_no
CROSS JOIN settings AS s
WHERE NOT d.is_personal
  AND f.local_date <= s.through_date
GROUP BY ALL
