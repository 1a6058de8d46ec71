-- Which ten rooms were booked most, and which ten least, in the last 28 days? used_day_share tells
-- one full day and four empty ones apart from five light days.
WITH use_of_rooms AS (
    SELECT d.room_id,
           sum(d.booked_minutes) / sum(d.open_minutes) AS booked_utilization,
           count(CASE WHEN d.open_minutes > 0 AND d.booked_minutes > 0 THEN 1 END)
               / count(CASE WHEN d.open_minutes > 0 THEN 1 END) AS used_day_share
    FROM room_days AS d
    WHERE d.local_date > (SELECT data_through FROM build_info) - 28
    GROUP BY d.room_id
    HAVING sum(d.open_minutes) > 0
),
ranked AS (
    SELECT *,
           row_number() OVER (ORDER BY booked_utilization DESC, room_id) AS busiest,
           row_number() OVER (ORDER BY booked_utilization, room_id) AS emptiest
    FROM use_of_rooms
)
SELECT CASE WHEN u.busiest <= 10 THEN 'busiest' ELSE 'emptiest' END AS which,
       r.building,
       u.room_id,
       r.name,
       r.capacity,
       u.booked_utilization,
       u.used_day_share
FROM ranked AS u
JOIN rooms AS r ON r.room_id = u.room_id
WHERE u.busiest <= 10
   OR u.emptiest <= 10
ORDER BY u.busiest
