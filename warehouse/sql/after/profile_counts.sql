-- Work table: bookings of closed months by place, month, measure and band, before any merging
-- (R17), some months at a time (profiles).
-- A month is closed once its last day is trailing_days back, until retention begins to delete it.
-- Bookings count whole, under their local start date (R15).
-- Room versions, months and bands are numbers until the bookings are counted: faster to hash.
WITH places AS (
    SELECT site, building, capacity_band,
           CAST(row_number() OVER () AS INTEGER) AS place_no
    FROM (SELECT DISTINCT site, building, capacity_band FROM directory)
),
numbered AS (
    SELECT d.room_id, d.valid_from, d.valid_to, p.place_no
    FROM directory AS d
    JOIN places AS p
        ON p.site IS NOT DISTINCT FROM d.site
       AND p.building IS NOT DISTINCT FROM d.building
       AND p.capacity_band IS NOT DISTINCT FROM d.capacity_band
),
closed_days AS (
    SELECT t.local_date, year(t.local_date) * 12 + month(t.local_date) - 1 AS month_no
    FROM dates AS t
    JOIN counted_months AS c ON c.month = date_trunc('month', t.local_date)
    CROSS JOIN settings AS s
    WHERE c.month >= s.profile_from_date
      AND last_day(t.local_date) < s.profile_before_date
      AND last_day(t.local_date) <= s.through_date
),
closed AS (
    SELECT m.place_no,
           t.month_no,
           end_minute(b.ends_at) - start_minute(b.starts_at) AS minutes,
           b.is_all_day,
           kind_number(b.kind) AS kind,
           CASE WHEN b.kind = 'single' AND b.created_at IS NOT NULL
                THEN greatest(epoch_us(b.starts_at) - epoch_us(b.created_at), 0) END AS lead_us,
           CASE WHEN b.invited_headcount >= 1 THEN b.invited_headcount END AS headcount,
           CASE WHEN b.has_external THEN 0 WHEN NOT b.has_external THEN 1 END AS external
    FROM bookings AS b
    JOIN closed_days AS t ON t.local_date = b.local_start_date
    JOIN numbered AS m
        ON m.room_id = b.room_id
       AND b.local_start_date >= m.valid_from
       AND b.local_start_date < m.valid_to
    CROSS JOIN settings AS s
    WHERE (b.status = 'booked' OR (b.status = 'held' AND s.count_held_as_booked))
      AND b.ends_at > b.starts_at
),
banded AS (
    SELECT place_no,
           month_no,
           minutes,
           CASE WHEN is_all_day THEN 6 ELSE duration_number(minutes) END AS duration,
           lead_time_number(lead_us) AS lead_time,
           kind,
           headcount_number(headcount) AS headcount,
           external
    FROM closed
),
grouped AS (
    SELECT place_no, month_no, duration, lead_time, kind, headcount, external,
           grouping_id(duration, lead_time, kind, headcount, external) AS which,
           count(*) AS bookings,
           CAST(sum(minutes) AS BIGINT) AS booked_minutes
    FROM banded
    GROUP BY place_no, month_no,
             GROUPING SETS ((duration), (lead_time), (kind), (headcount), (external))
)
SELECT p.site,
       p.building,
       p.capacity_band,
       strftime(make_date(g.month_no // 12, g.month_no % 12 + 1, 1), '%Y-%m') AS month,
       CASE which WHEN 15 THEN 'duration'
                  WHEN 23 THEN 'lead_time'
                  WHEN 27 THEN 'kind'
                  WHEN 29 THEN 'headcount'
                  ELSE 'external' END AS measure,
       CASE which WHEN 15 THEN duration_of(duration)
                  WHEN 23 THEN lead_time_of(lead_time)
                  WHEN 27 THEN kind_of(kind)
                  WHEN 29 THEN headcount_of(headcount)
                  ELSE external_of(external) END AS band,
       bookings,
       booked_minutes
FROM grouped AS g
JOIN places AS p ON p.place_no = g.place_no
