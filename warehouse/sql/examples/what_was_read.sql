-- How far can these figures be trusted? What was read of the last 28 days, what is unknown, what
-- was left out, and how many bookings no calendar should have: they are kept, and change no total.
WITH room_days_asked AS (
    SELECT count(*) AS asked,
           count(c.read_at) AS loaded,
           count(DISTINCT CASE WHEN c.read_at IS NOT NULL THEN c.local_date END) AS days_loaded
    FROM coverage AS c
    CROSS JOIN build_info AS i
    WHERE c.local_date <= i.data_through
      AND c.local_date > (SELECT data_through FROM build_info) - 28
),
capacities AS (
    SELECT count(capacity_band) / nullif(count(*), 0) AS share_of_rooms_with_capacity FROM rooms
),
odd AS (
    SELECT count(CASE WHEN ends_at <= starts_at THEN 1 END) AS bookings_without_length,
           count(CASE WHEN epoch_us(ends_at) - epoch_us(starts_at) > 366 * 86400000000 THEN 1 END)
               AS bookings_over_a_year
    FROM bookings
    WHERE local_start_date > (SELECT data_through FROM build_info) - 28
)
SELECT i.data_through,
       i.rooms_expected,
       i.rooms_loaded,
       a.days_loaded,
       a.loaded / nullif(a.asked, 0) AS share_of_room_days_loaded,
       c.share_of_rooms_with_capacity,
       i.suppressed_cells,
       o.bookings_without_length,
       o.bookings_over_a_year
FROM build_info AS i
CROSS JOIN room_days_asked AS a
CROSS JOIN capacities AS c
CROSS JOIN odd AS o
