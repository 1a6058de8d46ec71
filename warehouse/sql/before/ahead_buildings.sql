-- Work table: the buildings whose days are forecast (R23), numbered; null stands for no building.
SELECT building, CAST(row_number() OVER (ORDER BY building) - 1 AS INTEGER) AS building_no
FROM (SELECT DISTINCT building FROM directory WHERE NOT is_personal)
