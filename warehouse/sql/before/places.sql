-- Work table: the places whose rooms are counted together: buildings by capacity band for
-- rooms_in_use; named floors, buildings and sites for rooms_in_use_by_place.
WITH found AS (
    SELECT CASE grouping_id(building, floor, capacity_band)
               WHEN 2 THEN 'building_size' WHEN 1 THEN 'floor' WHEN 3 THEN 'building' ELSE 'site'
           END AS level,
           site,
           building,
           floor,
           capacity_band
    FROM room_places
    GROUP BY GROUPING SETS (
        (site, building, capacity_band), (site, building, floor), (site, building), (site)
    )
)
SELECT *, row_number() OVER (ORDER BY level, site, building, floor, capacity_band) AS place_no
FROM found
WHERE CASE level WHEN 'building_size' THEN true
                 WHEN 'floor' THEN building IS NOT NULL AND floor IS NOT NULL
                 WHEN 'building' THEN building IS NOT NULL
                 ELSE site IS NOT NULL END
