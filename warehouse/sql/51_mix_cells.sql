-- Work table: every cell of booking_mix, with whether the minimum group lets it be published.
WITH classified AS (
    SELECT m.building,
           m.capacity_band,
           t.iso_week,
           b.kind,
           (epoch_us(b.ends_at) + 62135596800000000 + 59999999) // 60000000
               - (epoch_us(b.starts_at) + 62135596800000000) // 60000000 AS minutes,
           b.is_all_day,
           CASE WHEN b.kind = 'single'
                THEN greatest(epoch_us(b.starts_at) - epoch_us(b.created_at), 0) END AS lead_us,
           b.created_at,
           b.has_external
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
           kind,
           CASE WHEN is_all_day THEN 'all-day'
                WHEN minutes <= 15 THEN '0-15'
                WHEN minutes <= 30 THEN '16-30'
                WHEN minutes <= 60 THEN '31-60'
                WHEN minutes <= 120 THEN '61-120'
                WHEN minutes <= 240 THEN '121-240'
                ELSE '241+' END AS duration_band,
           CASE WHEN lead_us IS NULL OR created_at IS NULL THEN NULL
                WHEN lead_us <= 900000000 THEN '0-15m'
                WHEN lead_us <= 7200000000 THEN '15m-2h'
                WHEN lead_us <= 86400000000 THEN '2h-1d'
                WHEN lead_us <= 604800000000 THEN '1d-7d'
                WHEN lead_us <= 2592000000000 THEN '7d-30d'
                ELSE '30d+' END AS lead_time_band,
           minutes,
           has_external
    FROM classified
),
counted AS (
    SELECT building,
           capacity_band,
           iso_week,
           kind,
           duration_band,
           lead_time_band,
           count(*) AS bookings,
           CAST(sum(minutes) AS BIGINT) AS booked_minutes,
           count(CASE WHEN has_external THEN 1 END) AS external_bookings,
           count(has_external) AS external_known_bookings
    FROM banded
    GROUP BY building, capacity_band, iso_week, kind, duration_band, lead_time_band
),
-- The smallest cell that could be published is first in its building, band and week.
ranked AS (
    SELECT c.*,
           s.minimum_group,
           row_number() OVER (
               PARTITION BY c.building, c.capacity_band, c.iso_week
               ORDER BY CASE WHEN c.bookings < s.minimum_group THEN 1 ELSE 0 END,
                        c.bookings, c.kind, c.duration_band, c.lead_time_band
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
       kind,
       duration_band,
       lead_time_band,
       bookings,
       booked_minutes,
       external_bookings,
       external_known_bookings,
       bookings >= minimum_group
           AND NOT (place = 1 AND bookings_left_out > 0 AND bookings_left_out < minimum_group)
           AS is_published
FROM ranked
