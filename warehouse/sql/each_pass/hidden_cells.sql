-- Work table: how many cells of utilization each pass left out for the minimum group.
SELECT count(*) AS cells
FROM utilization_cells AS u
CROSS JOIN settings AS s
WHERE u.is_personal
  AND (u.rooms_loaded < s.minimum_group OR u.rooms_loaded < u.rooms)
