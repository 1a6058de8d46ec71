-- Forward bookings by building, capacity band and week (its Monday). A room counts where it is to be
-- on the day (R18).
SELECT coalesce(e.building_no, p.building_no) AS building,
       p.band_no AS band,
       CAST(CAST(date_trunc('week', f.local_date) AS DATE) AS VARCHAR) AS monday,
       CAST(sum(f.open_minutes) AS BIGINT) AS open_minutes,
       CAST(sum(f.booked_minutes) AS BIGINT) AS booked_minutes
FROM room_days_ahead AS f
JOIN places AS p ON p.room_id = f.room_id
LEFT JOIN elsewhere AS e
       ON e.room_id = f.room_id AND f.local_date >= e.valid_from AND f.local_date < e.valid_to
GROUP BY coalesce(e.building_no, p.building_no), p.band_no, date_trunc('week', f.local_date)
ORDER BY building, band, monday
