-- Work table: the places that each smallest place is part of.
SELECT DISTINCT r.smallest_place, p.place_no
FROM room_places AS r
JOIN places AS p
    ON p.site IS NOT DISTINCT FROM r.site
   AND (p.level = 'site' OR p.building IS NOT DISTINCT FROM r.building)
   AND (p.level <> 'floor' OR p.floor = r.floor)
   AND (p.level <> 'building_size' OR p.capacity_band IS NOT DISTINCT FROM r.capacity_band)
