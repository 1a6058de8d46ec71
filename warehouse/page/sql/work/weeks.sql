-- Work table: the month that an ISO week counts to, for the tables that have weeks only: that of
-- its Thursday, or the nearest month that has figures.
WITH found AS (
    SELECT DISTINCT strftime(local_date, '%G-W%V') AS iso_week FROM days
),
span AS (
    SELECT min(month) AS first_month, max(month) AS last_month FROM days
),
placed AS (
    SELECT f.iso_week,
           least(greatest(strftime(strptime(f.iso_week || '-4', '%G-W%V-%u'), '%Y-%m'),
                          s.first_month), s.last_month) AS month
    FROM found AS f
    CROSS JOIN span AS s
)
SELECT p.iso_week,
       max(d.month_no) AS month_no
FROM placed AS p
JOIN days AS d ON d.month <= p.month
GROUP BY p.iso_week
