-- Work table: every cell of size_fit, with whether the minimum group lets it be published.
WITH classified AS (
    SELECT m.building,
           m.capacity_band,
           t.iso_week,
           (epoch_us(b.ends_at) + 62135596800000000 + 59999999) // 60000000
               - (epoch_us(b.starts_at) + 62135596800000000) // 60000000 AS minutes,
           CASE WHEN b.invited_headcount >= 1 THEN b.invited_headcount END AS headcount,
           CASE WHEN m.capacity >= 1 THEN m.capacity END AS capacity
    FROM bookings AS b
    JOIN rooms AS m ON m.room_id = b.room_id
    JOIN dates AS t ON t.local_date = b.local_start_date
    CROSS JOIN settings AS s
    WHERE (b.status = 'booked' OR (b.status = 'held' AND s.count_held_as_booked))
      AND b.ends_at > b.starts_at
),
banded AS (
    SELECT building,
           capacity_band,
           iso_week,
           CASE WHEN headcount IS NULL THEN NULL
                WHEN headcount = 1 THEN '1'
                WHEN headcount = 2 THEN '2'
                WHEN headcount <= 4 THEN '3-4'
                WHEN headcount <= 6 THEN '5-6'
                WHEN headcount <= 10 THEN '7-10'
                WHEN headcount <= 20 THEN '11-20'
                ELSE '21+' END AS headcount_band,
           minutes,
           CASE WHEN headcount < capacity THEN headcount * minutes
                WHEN headcount >= capacity THEN capacity * minutes END AS seat_minutes_used,
           CASE WHEN headcount IS NOT NULL THEN capacity * minutes END AS seat_minutes_offered
    FROM classified
),
counted AS (
    SELECT building,
           capacity_band,
           iso_week,
           headcount_band,
           count(*) AS bookings,
           CAST(sum(minutes) AS BIGINT) AS booked_minutes,
           CAST(sum(seat_minutes_used) AS BIGINT) AS seat_minutes_used,
           CAST(sum(seat_minutes_offered) AS BIGINT) AS seat_minutes_offered
    FROM banded
    GROUP BY building, capacity_band, iso_week, headcount_band
),
-- The smallest cell that could be published is first in its building, band and week.
ranked AS (
    SELECT c.*,
           s.minimum_group,
           row_number() OVER (
               PARTITION BY c.building, c.capacity_band, c.iso_week
               ORDER BY CASE WHEN c.bookings < s.minimum_group THEN 1 ELSE 0 END,
                        c.bookings, c.headcount_band
           ) AS place,
           sum(CASE WHEN c.bookings < s.minimum_group THEN c.bookings ELSE 0 END) OVER (
               PARTITION BY c.building, c.capacity_band, c.iso_week
           ) AS bookings_left_out
    FROM counted AS c
    CROSS JOIN settings AS s
)
SELECT building,
       capacity_band,
       iso_week,
       headcount_band,
       bookings,
       booked_minutes,
       seat_minutes_used,
       seat_minutes_offered,
       bookings >= minimum_group
           AND NOT (place = 1 AND bookings_left_out > 0 AND bookings_left_out < minimum_group)
           AS is_published
FROM ranked
