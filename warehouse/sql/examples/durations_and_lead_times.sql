-- How long are bookings, and how far ahead are they made? The last 28 days by building and size, by
-- nearest rank. All-day bookings have no duration here, and series no lead time; a creation after
-- the start is a lead time of 0, and is counted. Cells of fewer than five bookings are left out.
WITH recent AS (
    SELECT r.building,
           r.capacity_band,
           CASE WHEN NOT b.is_all_day
                THEN (epoch_us(b.ends_at) + 59999999) // 60000000
                     - epoch_us(b.starts_at) // 60000000 END
               AS duration_minutes,
           CASE WHEN b.kind = 'single'
                THEN greatest(epoch_us(b.starts_at) - epoch_us(b.created_at), 0) / 3600000000 END
               AS lead_time_hours,
           b.kind = 'single' AND b.created_at > b.starts_at AS is_created_after_start
    FROM bookings AS b
    JOIN rooms AS r ON r.room_id = b.room_id
    WHERE b.status = 'booked'
      AND b.local_start_date > (SELECT data_through FROM build_info) - 28
)
SELECT building,
       capacity_band,
       count(*) AS bookings,
       quantile_disc(duration_minutes, 0.5) AS duration_p50_minutes,
       quantile_disc(duration_minutes, 0.9) AS duration_p90_minutes,
       quantile_disc(lead_time_hours, 0.5) AS lead_time_p50_hours,
       count(CASE WHEN is_created_after_start THEN 1 END) AS created_after_start
FROM recent
GROUP BY building, capacity_band
HAVING count(*) >= 5
ORDER BY building, capacity_band
