-- Do people book rooms of their size? Shares of bookings by size of the room and of the party,
-- among bookings whose headcount is known.
SELECT capacity_band,
       band AS headcount_band,
       sum(bookings) AS bookings,
       sum(bookings) / sum(sum(bookings)) OVER (PARTITION BY capacity_band) AS share_of_bookings
FROM booking_profile
WHERE level = 'building_size'
  AND month IS NULL
  AND measure = 'headcount'
  AND capacity_band IS NOT NULL
  AND band IS NOT NULL
GROUP BY capacity_band, band
ORDER BY capacity_band, headcount_band
