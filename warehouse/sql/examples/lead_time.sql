-- How long ahead do people book? Single bookings only; 0-15m is ad hoc.
SELECT building,
       lead_time_band,
       sum(bookings) AS bookings,
       sum(bookings) / sum(sum(bookings)) OVER (PARTITION BY building) AS share_of_bookings
FROM booking_mix
WHERE lead_time_band IS NOT NULL
GROUP BY building, lead_time_band
ORDER BY building, lead_time_band
