-- The next four weeks of each building that is not merged with others: booked and expected minutes
-- (R23). Each day has the back-test for its number of days ahead.
SELECT b.building_no AS building,
       CAST(a.local_date AS VARCHAR) AS day,
       a.open_minutes,
       a.booked_minutes,
       a.low,
       a.median,
       a.high,
       c.days,
       c.share_within,
       c.median_error,
       c.naive_error
FROM busy_ahead AS a
JOIN buildings AS b ON b.building IS NOT DISTINCT FROM a.building
JOIN busy_ahead_check AS c
    ON c.building IS NOT DISTINCT FROM a.building
   AND c.days_ahead = date_diff('day', (SELECT data_through FROM build_info), a.local_date)
WHERE b.building_no IN (SELECT building_no FROM buildings GROUP BY building_no HAVING count(*) = 1)
ORDER BY b.building_no, a.local_date
