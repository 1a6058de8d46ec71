-- Shown again once it is taken from booking_profile.
SELECT 0 AS building, 0 AS band, 0 AS month, CAST(0 AS BIGINT) AS bookings,
       CAST(0 AS BIGINT) AS recurring_bookings, CAST(0 AS BIGINT) AS external_bookings,
       CAST(0 AS BIGINT) AS external_known_bookings
WHERE false
