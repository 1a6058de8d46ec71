-- How much of the bookings are series, by count and by time, and how many have guests?
-- Of the bookings that may be shown: small groups are left out, and those are mostly single ones.
SELECT building,
       sum(CASE WHEN kind <> 'single' THEN bookings ELSE 0 END) / sum(bookings)
           AS recurring_share,
       sum(CASE WHEN kind <> 'single' THEN booked_minutes ELSE 0 END) / sum(booked_minutes)
           AS recurring_share_of_time,
       sum(external_bookings) / nullif(sum(external_known_bookings), 0) AS external_share
FROM booking_mix
GROUP BY building
ORDER BY building
