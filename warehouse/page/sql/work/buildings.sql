-- Work table: the buildings of the page's rooms, now and on earlier days, numbered by name; rooms
-- without a building come after them. Beyond the page's limit, the smallest buildings share the last
-- number.
WITH known AS (
    SELECT building, capacity_band, room_id
    FROM rooms
    WHERE room_type NOT IN (SELECT room_type FROM personal_room_types)
    UNION ALL
    SELECT DISTINCT building, capacity_band, NULL
    FROM utilization
    WHERE room_type NOT IN (SELECT room_type FROM personal_room_types)
),
sized AS (
    SELECT building,
           count(room_id) AS rooms,
           count(DISTINCT coalesce(capacity_band, '')) AS bands
    FROM known
    GROUP BY building
),
kept AS (
    SELECT s.building,
           sum(s.bands) OVER (
               ORDER BY CASE WHEN s.building IS NULL THEN 0 ELSE 1 END, s.rooms DESC, s.building
               ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
           ) * (SELECT greatest(count(DISTINCT month), 1) FROM days) <= l.place_months AS is_kept
    FROM sized AS s
    CROSS JOIN limits AS l
)
SELECT building,
       CAST(dense_rank() OVER (
           ORDER BY CASE WHEN NOT is_kept THEN 2 WHEN building IS NULL THEN 1 ELSE 0 END,
                    CASE WHEN is_kept THEN building END
       ) - 1 AS INTEGER) AS building_no
FROM kept
