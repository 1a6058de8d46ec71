-- When in the week are rooms booked? One row for each weekday (1 = Monday) and local hour.
SELECT weekday,
       local_hour,
       sum(open_minutes) / 60.0 AS open_hours,
       sum(booked_minutes) / nullif(sum(open_minutes), 0) AS booked_utilization
FROM hour_of_week
GROUP BY weekday, local_hour
HAVING sum(open_minutes) > 0
ORDER BY weekday, local_hour
