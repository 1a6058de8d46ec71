-- Work table: every cell of utilization, including those that the minimum group hides.
WITH open_days AS (
    SELECT profile, local_date, sum(bit_count(open_mask)) > 0 AS is_open
    FROM calendar
    GROUP BY profile, local_date
),
room_days_scheduled AS (
    SELECT d.room_no,
           d.is_personal,
           d.site,
           d.building,
           d.floor,
           d.room_type,
           d.capacity_band,
           t.local_date,
           o.is_open
               AND (d.opened_on IS NULL OR t.local_date >= d.opened_on)
               AND (d.closed_on IS NULL OR t.local_date < d.closed_on)
               AND w.room_no IS NULL AS is_open
    FROM directory AS d
    CROSS JOIN dates AS t
    CROSS JOIN pass AS p
    CROSS JOIN settings AS s
    JOIN open_days AS o ON o.local_date = t.local_date AND o.profile = d.profile
    LEFT JOIN whole_days AS w ON w.room_no = d.room_no AND w.local_date = t.local_date
    WHERE t.local_date >= d.valid_from
      AND t.local_date < d.valid_to
      AND t.local_date BETWEEN p.first_date AND p.last_date
      AND t.local_date <= s.through_date
      AND t.is_covered
)
SELECT d.site,
       d.building,
       d.floor,
       d.room_type,
       d.capacity_band,
       d.local_date,
       d.is_personal,
       CAST(count(CASE WHEN d.is_open THEN 1 END) AS INTEGER) AS rooms,
       CAST(count(CASE WHEN d.is_open AND r.room_no IS NOT NULL THEN 1 END) AS INTEGER)
           AS rooms_loaded,
       CAST(sum(coalesce(f.open_minutes, 0)) AS BIGINT) AS open_minutes,
       CAST(sum(coalesce(f.booked_minutes, 0)) AS BIGINT) AS booked_minutes,
       CAST(sum(coalesce(f.held_minutes, 0)) AS BIGINT) AS held_minutes,
       CAST(sum(coalesce(f.bookings, 0)) AS BIGINT) AS bookings
FROM room_days_scheduled AS d
LEFT JOIN room_dates AS r ON r.room_no = d.room_no AND r.local_date = d.local_date
LEFT JOIN days AS f ON f.room_no = d.room_no AND f.local_date = d.local_date
GROUP BY d.site, d.building, d.floor, d.room_type, d.capacity_band, d.local_date, d.is_personal
HAVING count(CASE WHEN d.is_open THEN 1 END) > 0
    OR sum(coalesce(f.bookings, 0)) > 0
