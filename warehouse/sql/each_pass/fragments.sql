-- Work table: free time in gaps under 30 minutes between two bookings of one open interval.
-- A gap begins at a minute that is open and free after a booked one: a bit of gap_mask, which has
-- 61, the last one for a gap from the full hour on. The 30 minutes from there on, taken from this
-- hour and the next of the same day, tell whether a booking ends the gap in time: the run of free
-- bits is the gap, and the bit after it must be booked.
WITH hours AS (
    SELECT room_no, local_date, cell, booked_mask, open_mask & ~booked_mask AS free_mask
    FROM masks
    WHERE NOT is_split
      AND booked_mask <> 0
    UNION ALL
    SELECT room_no, local_date, cell,
           bit_or(booked_mask) AS booked_mask,
           bit_or(open_mask) & ~bit_or(booked_mask) AS free_mask
    FROM masks
    WHERE is_split
    GROUP BY room_no, local_date, cell
),
pairs AS (
    SELECT h.room_no,
           h.local_date,
           h.booked_mask,
           h.free_mask,
           coalesce(n.booked_mask, 0) & 1073741823 AS next_booked_mask,
           coalesce(n.free_mask, 0) & 1073741823 AS next_free_mask,
           (h.booked_mask << 1) & (h.free_mask | ((coalesce(n.free_mask, 0) & 1) << 60))
               AS gap_mask
    FROM hours AS h
    LEFT JOIN hours AS n
        ON n.room_no = h.room_no AND n.local_date = h.local_date AND n.cell = h.cell + 1
),
-- Few hours can have such a gap: a booking after its first minute in this hour, or so early in
-- the next that less than 30 minutes lie between.
gaps AS (
    SELECT p.room_no,
           p.local_date,
           m.minute,
           p.booked_mask,
           p.free_mask,
           p.next_booked_mask,
           p.next_free_mask
    FROM pairs AS p
    CROSS JOIN minutes AS m
    WHERE p.gap_mask <> 0
      AND (p.booked_mask > (p.gap_mask & -p.gap_mask)
           OR p.gap_mask & -((p.next_booked_mask & -p.next_booked_mask) << 31) <> 0)
      AND (p.gap_mask >> m.minute) & 1 = 1
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
