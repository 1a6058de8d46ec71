-- The heat map of the week by building, capacity band and month: one list a cell, and in it one
-- number for each hour of the week that is open (0 is Monday 00:00).
WITH by_hour AS (
    SELECT p.building_no,
           p.band_no,
           d.month_no,
           (isodow(h.local_date) - 1) * 24 + h.local_hour AS hour,
           CAST(sum(h.open_minutes) AS BIGINT) AS open_minutes,
           CAST(sum(h.booked_minutes) AS BIGINT) AS booked_minutes
    FROM room_hours AS h
    JOIN places AS p ON p.room_id = h.room_id
    JOIN days AS d ON d.local_date = h.local_date
    WHERE h.open_minutes > 0
    GROUP BY p.building_no, p.band_no, d.month_no, isodow(h.local_date), h.local_hour
)
SELECT building_no AS building,
       band_no AS band,
       month_no AS month,
       list(hour ORDER BY hour) AS hours,
       list(open_minutes ORDER BY hour) AS open_minutes,
       list(booked_minutes ORDER BY hour) AS booked_minutes
FROM by_hour
GROUP BY building_no, band_no, month_no
ORDER BY building_no, band_no, month_no
