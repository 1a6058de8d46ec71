-- The data of the page's what-if, one row for each building of a site: its rooms with their booked
-- minutes, the minutes by how many rooms were booked at once, and the plan with few rooms (R22).
WITH rooms_of AS (
    SELECT r.site,
           r.building,
           max(w.days) AS days,
           list(p.room_no ORDER BY p.room_no) AS rooms,
           list(w.room_id ORDER BY p.room_no) AS ids,
           list(w.booked_minutes ORDER BY p.room_no) AS minutes
    FROM what_if_rooms AS w
    JOIN rooms AS r ON r.room_id = w.room_id
    JOIN places AS p ON p.room_id = w.room_id
    GROUP BY r.site, r.building
),
at_once AS (
    SELECT site,
           building,
           list(rooms ORDER BY rooms) AS levels,
           list(booked_minutes ORDER BY rooms) AS level_minutes
    FROM what_if_at_once
    GROUP BY site, building
),
plans AS (
    SELECT site,
           building,
           list(room_no ORDER BY room_no, seats) AS plan_rooms,
           list(seats ORDER BY room_no, seats) AS plan_seats,
           list(booked_minutes ORDER BY room_no, seats) AS plan_minutes
    FROM what_if_plan
    GROUP BY site, building
)
SELECT r.site,
       r.building AS name,
       b.building_no AS building,
       r.days,
       r.rooms,
       r.ids,
       r.minutes,
       a.levels,
       a.level_minutes,
       coalesce(p.plan_rooms, []) AS plan_rooms,
       coalesce(p.plan_seats, []) AS plan_seats,
       coalesce(p.plan_minutes, []) AS plan_minutes
FROM rooms_of AS r
JOIN buildings AS b ON b.building = r.building
JOIN at_once AS a ON a.site IS NOT DISTINCT FROM r.site AND a.building = r.building
LEFT JOIN plans AS p ON p.site IS NOT DISTINCT FROM r.site AND p.building = r.building
ORDER BY r.building, r.site
