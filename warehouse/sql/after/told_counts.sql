-- Work table: how many bookings of each place and closed month room_days tells, at least (R17). Months
-- and places are those of profile_counts.
SELECT d.site,
       d.building,
       d.capacity_band,
       strftime(t.month, '%Y-%m') AS month,
       CAST(sum(t.told) AS BIGINT) AS told
FROM told_bookings AS t
JOIN directory AS d ON d.room_no = t.room_no
CROSS JOIN settings AS s
WHERE t.month >= s.profile_from_date
  AND last_day(t.month) < s.profile_before_date
  AND last_day(t.month) <= s.through_date
GROUP BY ALL
HAVING sum(t.told) > 0
