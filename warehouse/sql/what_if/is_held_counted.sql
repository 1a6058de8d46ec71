-- Whether the database was built with count_held_as_booked (R4): then held bookings count, too.
SELECT coalesce(sum(bookings), 0) > (SELECT count(*) FROM bookings WHERE status = 'booked')
FROM room_days
