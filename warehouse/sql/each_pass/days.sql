-- Work table: minutes, bookings and gaps by room and local day: every day that is open or has a
-- booking. Bookings count whole, under their local start date (R15).
WITH starts AS (
    SELECT room_no,
           local_start_date AS local_date,
           CAST(count(*) AS INTEGER) AS bookings,
           CAST(sum(ends_minute - starts_minute) AS BIGINT) AS gross_booked_minutes
    FROM live
    WHERE is_booked AND is_own
    GROUP BY room_no, local_start_date
),
hours_by_day AS (
    SELECT room_no,
           local_date,
           CAST(sum(bit_count(open_mask)) AS INTEGER) AS open_minutes,
           CAST(sum(bit_count(booked_mask)) AS INTEGER) AS booked_minutes,
           CAST(sum(bit_count(outside_mask)) AS INTEGER) AS booked_minutes_outside_hours,
           CAST(sum(bit_count(held_mask)) AS INTEGER) AS held_minutes,
           CAST(sum(bit_count(overlap_mask)) AS INTEGER) AS overlap_minutes
    FROM masks
    GROUP BY room_no, local_date
)
SELECT r.room_no,
       r.local_date,
       coalesce(h.open_minutes, 0) AS open_minutes,
       coalesce(h.booked_minutes, 0) AS booked_minutes,
       coalesce(h.booked_minutes_outside_hours, 0) AS booked_minutes_outside_hours,
       coalesce(h.held_minutes, 0) AS held_minutes,
       coalesce(h.overlap_minutes, 0) AS overlap_minutes,
       coalesce(s.gross_booked_minutes, 0) AS gross_booked_minutes,
       coalesce(s.bookings, 0) AS bookings,
       coalesce(f.fragmented_minutes, 0) AS fragmented_minutes
FROM room_dates AS r
LEFT JOIN hours_by_day AS h ON h.room_no = r.room_no AND h.local_date = r.local_date
LEFT JOIN starts AS s ON s.room_no = r.room_no AND s.local_date = r.local_date
LEFT JOIN fragments AS f ON f.room_no = r.room_no AND f.local_date = r.local_date
WHERE h.room_no IS NOT NULL
   OR s.room_no IS NOT NULL
