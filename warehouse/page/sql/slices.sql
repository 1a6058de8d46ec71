-- The page's slices of time in order: first date, month, and the Monday of its week.
SELECT CAST(slice_date AS VARCHAR) AS first_date,
       CAST(CAST(date_trunc('week', slice_date) AS DATE) AS VARCHAR) AS monday,
       month_no AS month
FROM (SELECT DISTINCT slice_no, slice_date, month_no FROM days)
ORDER BY slice_no
