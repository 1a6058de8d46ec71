SELECT coalesce(building, 'no building'), capacity_band,
       count(DISTINCT local_date) FILTER (sold_out_minutes > 0) AS days
FROM rooms_in_use
WHERE local_date BETWEEN $first AND $last AND capacity_band IS NOT NULL
GROUP BY ALL HAVING days > 0
ORDER BY days DESC, 1, 2
