-- Series that may only hold a room (R21): old, frequent, and with nobody known to be invited
-- besides the organizer. They raise a question, and are never a finding.
WITH series AS (
    SELECT room_id,
           created_at,
           mode(weekday ORDER BY weekday) AS weekday,
           mode(local_hour ORDER BY local_hour) AS local_hour,
           CAST(count(*) AS INTEGER) AS occurrences_ahead,
           CAST(sum(minutes) AS BIGINT) AS minutes_ahead,
           bool_and(invited_headcount IS NOT NULL AND NOT headcount_is_lower_bound)
               AS is_headcount_known
    FROM series_hours
    GROUP BY room_id, created_at
    HAVING count(*) >= 4
       AND coalesce(max(invited_headcount), 1) <= 1
)
SELECT s.region,
       c.room_id,
       CAST(row_number() OVER (PARTITION BY c.room_id ORDER BY c.created_at) AS INTEGER)
           AS series_no,
       strftime(c.created_at, '%Y-%m') AS created_month,
       c.weekday,
       c.local_hour,
       c.occurrences_ahead,
       c.minutes_ahead,
       c.is_headcount_known
FROM series AS c
CROSS JOIN settings AS s
ORDER BY c.room_id, c.created_at
