-- How well is each building used, month by month, without rooms of one person? A sum over a sum,
-- never a mean of ratios (R9).
SELECT building,
       date_trunc('month', local_date) AS month,
       sum(open_minutes) / 60.0 AS open_hours,
       sum(booked_minutes) / 60.0 AS booked_hours,
       sum(booked_minutes) / nullif(sum(open_minutes), 0) AS booked_utilization
FROM utilization
WHERE room_type NOT IN ('desk', 'office', 'executive')
GROUP BY building, date_trunc('month', local_date)
ORDER BY building, month
