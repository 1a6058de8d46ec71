-- The heat map of the week (R9). No building is in two shards, so there is nothing to add up.
WITH weeks AS (
    SELECT iso_week, row_number() OVER (ORDER BY iso_week) AS week_no
    FROM (SELECT DISTINCT iso_week FROM week_hours)
),
places AS (
    SELECT building, capacity_band, row_number() OVER (ORDER BY building, capacity_band) AS place_no
    FROM (SELECT DISTINCT building, capacity_band FROM week_hours)
)
SELECT s.region,
       h.building,
       h.capacity_band,
       h.iso_week,
       h.weekday,
       h.local_hour,
       h.open_minutes,
       h.booked_minutes,
       CAST(h.booked_minutes AS DOUBLE) / nullif(h.open_minutes, 0) AS booked_utilization
FROM week_hours AS h
JOIN weeks AS w ON w.iso_week = h.iso_week
JOIN places AS p
    ON p.building IS NOT DISTINCT FROM h.building
   AND p.capacity_band IS NOT DISTINCT FROM h.capacity_band
CROSS JOIN settings AS s
ORDER BY ((p.place_no * 7 + h.weekday) * 24 + h.local_hour) * 1000000 + w.week_no
