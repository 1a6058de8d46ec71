-- Work table: free time in gaps under 30 minutes between two bookings of one open interval.
-- A gap begins at a minute that is open and free after a booked one. The 30 minutes from there on,
-- taken from this hour and the next of the same day, tell whether a booking ends the gap in time:
-- the run of free bits is the gap, and the bit after it must be booked.
WITH hours AS (
    SELECT room_no, local_date, cell, booked_mask, open_mask & ~booked_mask AS free_mask
    FROM masks
    WHERE NOT is_split AND open_mask <> 0
    UNION ALL
    SELECT room_no, local_date, cell,
           bit_or(booked_mask) AS booked_mask,
           bit_or(open_mask) & ~bit_or(booked_mask) AS free_mask
    FROM masks
    WHERE is_split AND open_mask <> 0
    GROUP BY room_no, local_date, cell
),
gaps AS (
    SELECT h.room_no,
           h.local_date,
           m.minute,
           h.free_mask,
           h.booked_mask,
           coalesce(n.free_mask, 0) & 1073741823 AS next_free_mask,
           coalesce(n.booked_mask, 0) & 1073741823 AS next_booked_mask
    FROM hours AS h
    LEFT JOIN hours AS n
        ON n.room_no = h.room_no AND n.local_date = h.local_date AND n.cell = h.cell + 1
    CROSS JOIN minutes AS m
    WHERE h.booked_mask <> 0
      AND (((h.booked_mask << 1) & (h.free_mask | ((coalesce(n.free_mask, 0) & 1) << 60)))
           >> m.minute) & 1 = 1
),
windows AS (
    SELECT room_no,
           local_date,
           ((free_mask >> minute)
               | CASE WHEN minute > 30 THEN next_free_mask << (60 - minute) ELSE 0 END)
               & 1073741823 AS free_mask,
           ((booked_mask >> minute)
               | CASE WHEN minute > 30 THEN next_booked_mask << (60 - minute) ELSE 0 END)
               & 1073741823 AS booked_mask
    FROM gaps
)
SELECT room_no,
       local_date,
       CAST(sum(bit_count(free_mask & ~(free_mask + 1))) AS INTEGER) AS fragmented_minutes
FROM windows
WHERE ((free_mask & ~(free_mask + 1)) + 1) & booked_mask <> 0
GROUP BY room_no, local_date
