-- Work table: room hours summed for the heat map of the week (R9).
SELECT p.building,
       p.capacity_band,
       t.iso_week,
       t.weekday,
       h.local_hour,
       h.open_minutes,
       h.booked_minutes
FROM place_hours AS h
JOIN dates AS t ON t.local_date = h.local_date
JOIN (SELECT DISTINCT place_no, building, capacity_band FROM week_places) AS p
    ON p.place_no = h.place_no
