-- Work table: rooms booked at once in each place, over the minutes of a day with an open room in it.
-- Whether a place was sold out is unknown if an open room of it was never read (R13).
SELECT p.place_no,
       p.local_date,
       o.rooms_open,
       p.peak_rooms_in_use,
       p.p95_rooms_in_use,
       p.min_free_rooms,
       CASE WHEN o.rooms_listed >= 2 AND o.rooms_unread = 0 THEN p.sold_out_minutes END AS sold_out_minutes
FROM peaks AS p
JOIN open_places AS o ON o.place_no = p.place_no AND o.local_date = p.local_date
WHERE o.rooms_open > 0
  AND o.rooms_listed > 0
