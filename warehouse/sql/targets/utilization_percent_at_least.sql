SELECT 100.0 * sum(booked_minutes) / nullif(sum(open_minutes), 0)
FROM utilization
WHERE local_date BETWEEN $first AND $last
  AND ($building IS NULL OR building = $building)
  AND ($capacity_band IS NULL OR capacity_band = $capacity_band)
  AND room_type NOT IN ('desk', 'office', 'executive')
