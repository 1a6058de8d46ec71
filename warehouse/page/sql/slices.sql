-- The points of time of the page, in order: first date, month, and the month that the bookings of
-- its ISO week count to.
SELECT CAST(d.slice_date AS VARCHAR) AS first_date,
       CAST(CAST(date_trunc('week', d.slice_date) AS DATE) AS VARCHAR) AS monday,
       d.month_no AS month,
       w.month_no AS week_month
FROM (SELECT DISTINCT slice_no, slice_date, month_no FROM days) AS d
JOIN weeks AS w ON w.iso_week = strftime(d.slice_date, '%G-W%V')
ORDER BY d.slice_no
