-- How many rooms would be enough? The busiest minute of each month against the rooms that are open, by
-- building and size; days_sold_out counts days that had a minute with no free room of the size.
SELECT building,
       capacity_band,
       date_trunc('month', local_date) AS month,
       max(rooms_open) AS rooms_open,
       max(peak_rooms_in_use) AS peak_rooms_in_use,
       max(p95_rooms_in_use) AS p95_rooms_in_use,
       min(min_free_rooms) AS min_free_rooms,
       count(CASE WHEN sold_out_minutes > 0 THEN 1 END) AS days_sold_out
FROM rooms_in_use
GROUP BY building, capacity_band, date_trunc('month', local_date)
ORDER BY building, capacity_band, month
