-- How far ahead do people book? Single bookings of all closed months; 0-15m is ad hoc. The band few
-- holds the bands with too few bookings, so that the shares add up to one.
SELECT site,
       building,
       band,
       bookings,
       bookings / sum(bookings) OVER (PARTITION BY site, building) AS share_of_single_bookings
FROM booking_profile
WHERE level = 'building'
  AND month IS NULL
  AND measure = 'lead_time'
  AND band IS NOT NULL
ORDER BY site, building, band
