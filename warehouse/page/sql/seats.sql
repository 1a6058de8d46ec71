-- Shown again once it is taken from booking_profile.
SELECT 0 AS building, 0 AS band, 0 AS month, CAST(0 AS BIGINT) AS seat_minutes_used,
       CAST(0 AS BIGINT) AS seat_minutes_offered
WHERE false
