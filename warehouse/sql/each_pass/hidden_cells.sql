-- Work table: how many cells of utilization the minimum group hides in each pass. Cells
-- whose rooms are all closed do not count: they exist only if one of them was booked.
SELECT count(*) AS cells
FROM utilization_cells AS u
CROSS JOIN settings AS s
WHERE u.is_personal
  AND u.rooms > 0
  AND (u.rooms_loaded < s.minimum_group OR u.rooms_loaded < u.rooms)
