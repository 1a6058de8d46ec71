-- Rooms in use at once, by month and place (one capacity band in a building of a site, as in
-- rooms_in_use). Each place has its own peak: peaks are compared and added, never averaged over rooms.
-- Sold out is known on shared_days only: the place needs at least two rooms.
SELECT CAST(dense_rank() OVER (ORDER BY u.site, u.building, c.band_no) - 1 AS INTEGER) AS place,
       b.building_no AS building,
       c.band_no AS band,
       d.month_no AS month,
       count(*) AS days,
       max(u.rooms_open) AS rooms_open,
       max(u.peak_rooms_in_use) AS peak_rooms_in_use,
       CAST(sum(u.peak_rooms_in_use) AS BIGINT) AS peaks_summed,
       min(u.min_free_rooms) AS min_free_rooms,
       count(u.sold_out_minutes) AS shared_days,
       count(CASE WHEN u.sold_out_minutes > 0 THEN 1 END) AS sold_out_days,
       CAST(coalesce(sum(u.sold_out_minutes), 0) AS BIGINT) AS sold_out_minutes
FROM rooms_in_use AS u
JOIN buildings AS b ON b.building IS NOT DISTINCT FROM u.building
JOIN bands AS c ON c.capacity_band IS NOT DISTINCT FROM u.capacity_band
JOIN days AS d ON d.local_date = u.local_date
GROUP BY u.site, u.building, b.building_no, c.band_no, d.month_no
ORDER BY place, month
