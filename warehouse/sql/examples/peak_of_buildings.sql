-- How full does a whole building get? The busiest minute of each month over its rooms of all sizes.
SELECT site,
       building,
       date_trunc('month', local_date) AS month,
       max(rooms_open) AS rooms_open,
       max(peak_rooms_in_use) AS peak_rooms_in_use,
       min(min_free_rooms) AS min_free_rooms
FROM rooms_in_use_by_place
WHERE level = 'building'
GROUP BY site, building, date_trunc('month', local_date)
ORDER BY site, building, month
