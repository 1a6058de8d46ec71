-- The months that have figures, in order, each with its first and last date that has figures.
SELECT month,
       CAST(min(local_date) AS VARCHAR) AS first_date,
       CAST(max(local_date) AS VARCHAR) AS last_date
FROM days
GROUP BY month, month_no
ORDER BY month_no
