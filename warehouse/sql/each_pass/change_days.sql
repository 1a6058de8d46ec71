-- Work table: the local day of each change's booking, and where its room was on that day.
SELECT c.change_no, k.local_date, d.site, d.building
FROM numbered_changes AS c
JOIN directory AS d ON d.room_id = c.room_id
JOIN calendar AS k
    ON k.profile = d.profile
   AND k.cell = (c.starts_minute + d.phase_minutes) // 60
   AND (k.part_mask >> ((c.starts_minute + d.phase_minutes) % 60)) & 1 = 1
WHERE NOT d.is_personal
  AND k.local_date >= d.valid_from
  AND k.local_date < d.valid_to
