-- Work table: the rows of the heat map that each room counts for. Two sites can have buildings of the
-- same name.
SELECT room_no,
       building,
       capacity_band,
       CAST(dense_rank() OVER (ORDER BY building, capacity_band) - 1 AS INTEGER) AS place_no
FROM directory
WHERE NOT is_personal
