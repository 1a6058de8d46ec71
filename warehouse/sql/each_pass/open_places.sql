-- Work table: how many rooms of each place are open on a day, how many it has, and how many of the
-- open ones were never read for that day (R13).
WITH found AS (
    SELECT r.smallest_place, f.local_date, 1 AS is_open, 0 AS is_listed, 0 AS unread
    FROM days AS f
    JOIN room_places AS r ON r.room_no = f.room_no
    WHERE f.open_minutes > 0
    UNION ALL
    SELECT r.smallest_place, t.local_date, 0 AS is_open, 1 AS is_listed, 0 AS unread
    FROM room_places AS r
    CROSS JOIN dates AS t
    CROSS JOIN pass AS a
    LEFT JOIN whole_days AS w ON w.room_no = r.room_no AND w.local_date = t.local_date
    WHERE t.local_date BETWEEN a.first_date AND a.last_date
      AND t.local_date >= r.valid_from
      AND t.local_date < r.valid_to
      AND w.room_no IS NULL
    UNION ALL
    SELECT r.smallest_place, u.local_date, 0 AS is_open, 0 AS is_listed,
           u.rooms - u.rooms_loaded AS unread
    FROM utilization_cells AS u
    JOIN (SELECT DISTINCT smallest_place, site, building, floor, capacity_band FROM room_places) AS r
        ON r.site IS NOT DISTINCT FROM u.site
       AND r.building IS NOT DISTINCT FROM u.building
       AND r.floor IS NOT DISTINCT FROM u.floor
       AND r.capacity_band IS NOT DISTINCT FROM u.capacity_band
    WHERE NOT u.is_personal
      AND u.rooms > u.rooms_loaded
),
counted AS (
    SELECT smallest_place,
           local_date,
           sum(is_open) AS rooms_open,
           sum(is_listed) AS rooms_listed,
           sum(unread) AS rooms_unread
    FROM found
    GROUP BY smallest_place, local_date
)
SELECT p.place_no,
       c.local_date,
       CAST(sum(c.rooms_open) AS INTEGER) AS rooms_open,
       CAST(sum(c.rooms_listed) AS INTEGER) AS rooms_listed,
       CAST(sum(c.rooms_unread) AS INTEGER) AS rooms_unread
FROM counted AS c
JOIN larger_places AS p ON p.smallest_place = c.smallest_place
GROUP BY p.place_no, c.local_date
