-- Work table: the heat map rows that each room counts for. Buildings of two sites can share a name.
SELECT room_no,
       building,
       capacity_band,
       CAST(dense_rank() OVER (ORDER BY building, capacity_band) - 1 AS INTEGER) AS place_no
FROM directory
WHERE NOT is_personal
