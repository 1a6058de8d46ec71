-- Do people book rooms of their size? Share of bookings by size of the room and of the party, and
-- seat_fill: invited people over seats, weighted by minutes.
SELECT capacity_band,
       headcount_band,
       sum(bookings) AS bookings,
       sum(bookings) / sum(sum(bookings)) OVER (PARTITION BY capacity_band) AS share_of_bookings,
       sum(seat_minutes_used) / nullif(sum(seat_minutes_offered), 0) AS seat_fill
FROM size_fit
WHERE capacity_band IS NOT NULL
  AND headcount_band IS NOT NULL
GROUP BY capacity_band, headcount_band
ORDER BY capacity_band, headcount_band
