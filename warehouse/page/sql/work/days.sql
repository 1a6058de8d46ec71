-- Work table: the local dates that have figures, each with its month and its slice of time. A slice
-- is a day if the dates span at most six weeks, else a week. A week is cut at a month's end, so that
-- a month consists of whole slices.
WITH found AS (
    SELECT DISTINCT local_date
    FROM utilization
    WHERE room_type NOT IN (SELECT room_type FROM personal_room_types)
),
span AS (
    SELECT max(local_date) - min(local_date) < 42 AS is_daily FROM found
),
cut AS (
    SELECT f.local_date,
           CASE WHEN s.is_daily THEN f.local_date
                ELSE greatest(CAST(date_trunc('week', f.local_date) AS DATE),
                              CAST(date_trunc('month', f.local_date) AS DATE)) END AS slice_date,
           strftime(f.local_date, '%Y-%m') AS month,
           s.is_daily
    FROM found AS f
    CROSS JOIN span AS s
)
SELECT local_date,
       month,
       slice_date,
       is_daily,
       CAST(dense_rank() OVER (ORDER BY month) - 1 AS INTEGER) AS month_no,
       CAST(dense_rank() OVER (ORDER BY slice_date) - 1 AS INTEGER) AS slice_no
FROM cut
