-- Work table: changes of bookings of closed months by place, month, change and notice, before any
-- merging (R17 to R20). Notice is the start minus the later reading, a lower bound.
-- Booked again is what is booked in the end, minus what others had at the change already and is
-- booked still.
WITH minutes AS (
    SELECT change_no,
           sum(booked_minutes) AS booked_minutes,
           sum(open_minutes) AS open_minutes,
           sum(left_minutes) AS left_minutes
    FROM change_minutes
    GROUP BY change_no
)
SELECT t.site,
       t.building,
       strftime(t.local_date, '%Y-%m') AS month,
       c.change,
       lead_time_of(lead_time_number(c.notice_us)) AS notice_band,
       count(*) AS changes,
       CAST(sum(c.given_back_minutes) AS BIGINT) AS minutes_given_back,
       CAST(sum(least(greatest(coalesce(
           m.booked_minutes - greatest(m.open_minutes - c.given_back_minutes - m.left_minutes, 0),
           0), 0),
           c.given_back_minutes)) AS BIGINT) AS minutes_booked_again
FROM numbered_changes AS c
JOIN change_days AS t ON t.change_no = c.change_no
LEFT JOIN minutes AS m ON m.change_no = c.change_no
CROSS JOIN settings AS s
WHERE date_trunc('month', t.local_date) >= s.profile_from_date
  AND last_day(t.local_date) < s.profile_before_date
  AND last_day(t.local_date) <= s.through_date
GROUP BY t.site, t.building, strftime(t.local_date, '%Y-%m'), c.change, notice_band
