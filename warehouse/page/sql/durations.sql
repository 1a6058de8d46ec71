-- Shown again once it is taken from booking_profile.
SELECT 0 AS building, 0 AS band, 0 AS month, '' AS label, CAST(0 AS BIGINT) AS bookings
WHERE false
