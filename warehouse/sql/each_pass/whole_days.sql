-- Work table: the days of this pass on which the parts of a combined room count in its place (R25).
SELECT DISTINCT d.room_no, t.local_date
FROM directory AS d
JOIN directory AS p ON p.part_of = d.room_id
CROSS JOIN dates AS t
CROSS JOIN pass AS a
WHERE t.local_date BETWEEN a.first_date AND a.last_date
  AND t.local_date >= d.valid_from
  AND t.local_date < d.valid_to
  AND t.local_date >= p.valid_from
  AND t.local_date < p.valid_to
