-- Work table: how many rooms of each place are open on a day, and how many it has.
WITH found AS (
    SELECT r.smallest_place, f.local_date, 1 AS is_open, 0 AS is_listed
    FROM days AS f
    JOIN room_places AS r ON r.room_no = f.room_no
    WHERE f.open_minutes > 0
    UNION ALL
    SELECT r.smallest_place, t.local_date, 0 AS is_open, 1 AS is_listed
    FROM room_places AS r
    CROSS JOIN dates AS t
    CROSS JOIN pass AS a
    LEFT JOIN whole_days AS w ON w.room_no = r.room_no AND w.local_date = t.local_date
    WHERE t.local_date BETWEEN a.first_date AND a.last_date
      AND t.local_date >= r.valid_from
      AND t.local_date < r.valid_to
      AND w.room_no IS NULL
),
counted AS (
    SELECT smallest_place,
           local_date,
           sum(is_open) AS rooms_open,
           sum(is_listed) AS rooms_listed
    FROM found
    GROUP BY smallest_place, local_date
)
SELECT p.place_no,
       c.local_date,
       CAST(sum(c.rooms_open) AS INTEGER) AS rooms_open,
       CAST(sum(c.rooms_listed) AS INTEGER) AS rooms_listed
FROM counted AS c
JOIN larger_places AS p ON p.smallest_place = c.smallest_place
GROUP BY p.place_no, c.local_date
