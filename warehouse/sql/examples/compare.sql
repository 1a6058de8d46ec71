-- Why do two tools disagree? The same bookings under formulas that others publish, ours last.
-- If room_days counts more bookings than are booked, count_held_as_booked was set: then every line
-- counts held bookings as booked.
WITH counting AS (
    SELECT (SELECT sum(bookings) FROM room_days)
           > (SELECT count(*) FROM bookings WHERE status = 'booked' AND ends_at > starts_at)
           AS is_held_booked
),
days AS (
    SELECT count(*) AS room_weekdays
    FROM coverage AS c
    JOIN rooms AS r ON r.room_id = c.room_id
    CROSS JOIN build_info AS b
    WHERE c.read_at IS NOT NULL
      AND c.local_date <= b.data_through
      AND date_diff('day', DATE '1970-01-05', c.local_date) % 7 BETWEEN 0 AND 4
      AND r.room_type NOT IN ('desk', 'office', 'executive')
),
instants AS (
    SELECT b.status <> 'cancelled' AS is_booked,
           b.is_all_day,
           epoch_us(b.starts_at) // 60000000 AS starts_minute,
           (epoch_us(b.ends_at) + 59999999) // 60000000 AS ends_minute,
           epoch_us(b.starts_at) // 86400000000 * 1440 AS midnight_minute
    FROM bookings AS b
    CROSS JOIN counting AS c
    WHERE (b.status IN ('booked', 'cancelled') OR (b.status = 'held' AND c.is_held_booked))
      AND b.ends_at > b.starts_at
),
timed AS (
    SELECT is_booked,
           is_all_day,
           ends_minute - starts_minute AS minutes,
           greatest(0, least(ends_minute, midnight_minute + 18 * 60)
                       - greatest(starts_minute, midnight_minute + 8 * 60))
               AS minutes_of_global_day
    FROM instants
),
sums AS (
    SELECT sum(CASE WHEN is_booked THEN minutes END) AS booked,
           sum(CASE WHEN NOT is_all_day THEN minutes END) AS booked_or_cancelled,
           sum(CASE WHEN is_booked THEN minutes_of_global_day END) AS global_day,
           sum(CASE WHEN NOT is_booked THEN 0 WHEN is_all_day THEN 480 ELSE minutes END)
               AS all_day_480
    FROM timed
),
office AS (
    SELECT sum(booked_minutes + booked_minutes_outside_hours) AS nine_to_five
    FROM room_hours
    WHERE local_hour BETWEEN 9 AND 16
      AND date_diff('day', DATE '1970-01-05', local_date) % 7 BETWEEN 0 AND 4
),
ours AS (
    SELECT sum(open_minutes) AS open_minutes, sum(booked_minutes) AS booked_minutes
    FROM room_days
),
formulas AS (
    SELECT 1 AS place, 'durations over a fixed 8-hour day, Monday to Friday' AS formula,
           s.booked AS booked, d.room_weekdays * 480 AS available
    FROM sums AS s CROSS JOIN days AS d
    UNION ALL
    SELECT 2, 'booked from 9 to 17, Monday to Friday, holidays counted as open',
           o.nine_to_five, d.room_weekdays * 480
    FROM office AS o CROSS JOIN days AS d
    UNION ALL
    SELECT 3, 'durations over 7 to 19, cancelled meetings kept, no all-day ones',
           s.booked_or_cancelled, d.room_weekdays * 720
    FROM sums AS s CROSS JOIN days AS d
    UNION ALL
    SELECT 4, 'clipped to one global day, 8 to 18 UTC',
           s.global_day, d.room_weekdays * 600
    FROM sums AS s CROSS JOIN days AS d
    UNION ALL
    SELECT 5, 'an all-day booking counts as 480 minutes, over open time',
           s.all_day_480, o.open_minutes
    FROM sums AS s CROSS JOIN ours AS o
    UNION ALL
    SELECT 6, 'durations summed without union or clipping, over open time',
           s.booked, o.open_minutes
    FROM sums AS s CROSS JOIN ours AS o
    UNION ALL
    SELECT 7, 'ours: the union of booked time within open time, over open time',
           o.booked_minutes, o.open_minutes
    FROM ours AS o
)
SELECT formula,
       booked / 60.0 AS booked_hours,
       available / 60.0 AS available_hours,
       booked / nullif(available, 0) AS utilization
FROM formulas
ORDER BY place
