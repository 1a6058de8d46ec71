-- The buildings in the page's order; null stands for rooms without one.
SELECT CASE WHEN count(*) > 1 THEN count(*) || ' other buildings' ELSE max(building) END
           AS building
FROM buildings
GROUP BY building_no
ORDER BY building_no
