SELECT coalesce(sum(rooms_loaded), 0), coalesce(sum(rooms), 0)
FROM utilization
WHERE local_date BETWEEN $first AND $last
  AND ($building IS NULL OR building = $building)
  AND ($capacity_band IS NULL OR capacity_band = $capacity_band)
  AND room_type NOT IN ('desk', 'office', 'executive')
