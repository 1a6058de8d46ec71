-- Work table: the rooms as they are now, of buildings that the page's what-if can answer for: two
-- or more rooms, none of them combined (R25) or personal. counts_from is the day since which the
-- building has had these rooms with these seats, and no others (R18).
WITH now_and_then AS (
    SELECT r.room_id,
           r.site,
           r.building,
           r.time_zone,
           r.capacity,
           d.site AS site_then,
           d.building AS building_then,
           d.valid_to,
           d.is_personal AS was_personal,
           r.site IS NOT DISTINCT FROM d.site
               AND r.building IS NOT DISTINCT FROM d.building
               AND r.capacity IS NOT DISTINCT FROM d.capacity
               AND d.part_of IS NULL
               AND NOT d.is_personal
               AND NOT r.is_personal AS is_same,
           NOT r.is_personal AS is_asked_about,
           r.part_of IS NULL AND NOT EXISTS (FROM directory AS p WHERE p.part_of = r.room_id)
               AS is_simple
    FROM current_rooms AS r
    JOIN directory AS d ON d.room_id = r.room_id
),
last_change AS (
    SELECT site, building, max(valid_to) AS changed_on
    FROM (
        SELECT site, building, valid_to FROM now_and_then WHERE is_asked_about AND NOT is_same
        UNION ALL
        SELECT site_then, building_then, valid_to FROM now_and_then
        WHERE NOT is_same AND NOT was_personal
    )
    GROUP BY site, building
),
listed AS (
    SELECT DISTINCT room_id, site, building, time_zone, capacity, is_simple
    FROM now_and_then
    WHERE is_asked_about AND building IS NOT NULL
),
answered AS (
    SELECT site, building, row_number() OVER (ORDER BY site, building) - 1 AS place
    FROM listed
    GROUP BY site, building
    HAVING count(*) >= 2 AND bool_and(is_simple)
)
SELECT l.room_id,
       l.site,
       l.building,
       l.time_zone,
       l.capacity AS seats,
       CAST(a.place AS INTEGER) AS place,
       CAST(row_number() OVER (ORDER BY a.place, l.room_id) - 1 AS INTEGER) AS number,
       coalesce(c.changed_on, DATE '0001-01-01') AS counts_from
FROM answered AS a
JOIN listed AS l ON l.site IS NOT DISTINCT FROM a.site AND l.building = a.building
LEFT JOIN last_change AS c ON c.site IS NOT DISTINCT FROM a.site AND c.building = a.building
