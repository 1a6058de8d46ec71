-- Time of each room by month. A day is used if any of its open time is booked. week_days counts the
-- dates of the weekdays on which the room was usually open, open or not.
WITH by_weekday AS (
    SELECT p.room_no,
           d.month_no,
           isodow(f.local_date) AS weekday,
           sum(f.open_minutes) AS open_minutes,
           sum(f.booked_minutes) AS booked_minutes,
           count(CASE WHEN f.open_minutes > 0 THEN 1 END) AS open_days,
           count(CASE WHEN f.booked_minutes > 0 THEN 1 END) AS used_days
    FROM room_days AS f
    JOIN places AS p ON p.room_id = f.room_id
    JOIN days AS d ON d.local_date = f.local_date
    JOIN room_span AS s ON d.month_no >= s.first_month_no
    GROUP BY p.room_no, d.month_no, isodow(f.local_date)
),
dates AS (
    SELECT month_no, isodow(local_date) AS weekday, count(*) AS dates
    FROM days
    GROUP BY month_no, isodow(local_date)
),
usual AS (
    SELECT b.*,
           CASE WHEN 2 * b.open_days >= max(b.open_days) OVER (PARTITION BY b.room_no, b.month_no)
                 AND b.open_days > 0 THEN t.dates ELSE 0 END AS week_days
    FROM by_weekday AS b
    JOIN dates AS t ON t.month_no = b.month_no AND t.weekday = b.weekday
)
SELECT room_no AS room,
       month_no AS month,
       CAST(sum(open_minutes) AS BIGINT) AS open_minutes,
       CAST(sum(booked_minutes) AS BIGINT) AS booked_minutes,
       CAST(sum(open_days) AS BIGINT) AS open_days,
       CAST(sum(used_days) AS BIGINT) AS used_days,
       CAST(sum(week_days) AS BIGINT) AS week_days
FROM usual
GROUP BY room_no, month_no
ORDER BY room_no, month_no
