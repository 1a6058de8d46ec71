-- The heat map of the week by building, capacity band and month: lists with one number for each hour
-- of the week that is open (hour 0 is Monday 00:00).
WITH by_hour AS (
    SELECT b.building_no,
           c.band_no,
           w.month_no,
           (h.weekday - 1) * 24 + h.local_hour AS hour,
           CAST(sum(h.open_minutes) AS BIGINT) AS open_minutes,
           CAST(sum(h.booked_minutes) AS BIGINT) AS booked_minutes
    FROM hour_of_week AS h
    JOIN buildings AS b ON b.building IS NOT DISTINCT FROM h.building
    JOIN bands AS c ON c.capacity_band IS NOT DISTINCT FROM h.capacity_band
    JOIN weeks AS w ON w.iso_week = h.iso_week
    WHERE h.open_minutes > 0
    GROUP BY b.building_no, c.band_no, w.month_no, h.weekday, h.local_hour
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
