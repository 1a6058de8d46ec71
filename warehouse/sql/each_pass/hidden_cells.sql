-- Work table: how many cells of utilization the minimum group hides in each pass.
SELECT count(*) AS cells
FROM utilization_cells AS u
CROSS JOIN settings AS s
WHERE u.is_personal
  AND (u.rooms_loaded < s.minimum_group OR u.rooms_loaded < u.rooms)
