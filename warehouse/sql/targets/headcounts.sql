SELECT level, month, capacity_band, band, bookings
FROM booking_profile
WHERE measure = 'headcount'
  AND month BETWEEN strftime($first, '%Y-%m') AND strftime($last, '%Y-%m')
  AND level IN ('building_size', if($building IS NULL, 'region', 'building'))
  AND ($building IS NULL OR building = $building)
