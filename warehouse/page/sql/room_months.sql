-- Time of each room by month. A day is used if any of its open time is booked.
SELECT p.room_no AS room,
       d.month_no AS month,
       CAST(sum(f.open_minutes) AS BIGINT) AS open_minutes,
       CAST(sum(f.booked_minutes) AS BIGINT) AS booked_minutes,
       count(CASE WHEN f.open_minutes > 0 THEN 1 END) AS open_days,
       count(CASE WHEN f.booked_minutes > 0 THEN 1 END) AS used_days
FROM room_days AS f
JOIN places AS p ON p.room_id = f.room_id
JOIN days AS d ON d.local_date = f.local_date
JOIN room_span AS s ON d.month_no >= s.first_month_no
GROUP BY p.room_no, d.month_no
ORDER BY p.room_no, d.month_no
