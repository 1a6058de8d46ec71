-- Work table: the month that each ISO week of hour_of_week counts towards: the month of its
-- Thursday, or the nearest month that has figures.
WITH span AS (
    SELECT min(month) AS first_month, max(month) AS last_month FROM days
),
placed AS (
    SELECT f.iso_week,
           least(greatest(strftime(strptime(f.iso_week || '-4', '%G-W%V-%u'), '%Y-%m'),
                          s.first_month), s.last_month) AS month
    FROM (SELECT DISTINCT iso_week FROM hour_of_week) AS f
    CROSS JOIN span AS s
)
SELECT p.iso_week,
       max(d.month_no) AS month_no
FROM placed AS p
JOIN days AS d ON d.month <= p.month
GROUP BY p.iso_week
