-- The months in which a building's open rooms differ from the month before. A room counts where it
-- was on the day (R18).
WITH rooms_open AS (
    SELECT DISTINCT coalesce(e.building_no, p.building_no) AS building_no,
           d.month_no,
           f.room_id
    FROM room_days AS f
    JOIN places AS p ON p.room_id = f.room_id
    JOIN days AS d ON d.local_date = f.local_date
    LEFT JOIN elsewhere AS e
           ON e.room_id = f.room_id AND f.local_date >= e.valid_from AND f.local_date < e.valid_to
    WHERE f.open_minutes > 0
),
changed AS (
    SELECT o.building_no, o.month_no
    FROM rooms_open AS o
    ANTI JOIN rooms_open AS b
           ON b.room_id = o.room_id AND b.building_no = o.building_no AND b.month_no = o.month_no - 1
    UNION
    SELECT o.building_no, o.month_no + 1
    FROM rooms_open AS o
    ANTI JOIN rooms_open AS n
           ON n.room_id = o.room_id AND n.building_no = o.building_no AND n.month_no = o.month_no + 1
)
SELECT building_no AS building,
       month_no AS month
FROM changed
WHERE month_no BETWEEN 1 AND (SELECT max(month_no) FROM days)
ORDER BY building_no, month_no
