-- Work table: how many bookings of each room and month room_days tells, at least: one on each day
-- that has any, two if some overlap or lie less than half an hour apart.
SELECT f.room_no,
       date_trunc('month', f.local_date) AS month,
       CAST(sum(least(f.bookings,
                      CASE WHEN f.overlap_minutes > 0 OR f.fragmented_minutes > 0 THEN 2
                           ELSE 1 END)) AS BIGINT) AS told
FROM days AS f
JOIN directory AS d ON d.room_no = f.room_no
CROSS JOIN settings AS s
WHERE NOT d.is_personal
  AND f.local_date <= s.through_date
GROUP BY ALL
HAVING sum(f.bookings) > 0
