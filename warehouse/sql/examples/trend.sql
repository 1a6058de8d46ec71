-- Are rooms used more than before? The last 28 days compared with the 28 days before them, without
-- rooms of one person.
WITH periods AS (
    SELECT u.building,
           u.local_date > b.data_through - 28 AS is_recent,
           u.open_minutes,
           u.booked_minutes
    FROM utilization AS u
    CROSS JOIN build_info AS b
    WHERE u.local_date > (SELECT data_through FROM build_info) - 56
      AND u.room_type NOT IN ('desk', 'office', 'executive')
)
SELECT building,
       sum(CASE WHEN NOT is_recent THEN booked_minutes END)
           / nullif(sum(CASE WHEN NOT is_recent THEN open_minutes END), 0) AS previous_utilization,
       sum(CASE WHEN is_recent THEN booked_minutes END)
           / nullif(sum(CASE WHEN is_recent THEN open_minutes END), 0) AS booked_utilization
FROM periods
GROUP BY building
ORDER BY building
