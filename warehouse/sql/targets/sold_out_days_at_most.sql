SELECT count(DISTINCT local_date) FILTER (sold_out_minutes > 0)
FROM rooms_in_use
WHERE local_date BETWEEN $first AND $last
  AND ($building IS NULL OR building = $building)
  AND ($capacity_band IS NULL OR capacity_band = $capacity_band)
HAVING count(sold_out_minutes) > 0
