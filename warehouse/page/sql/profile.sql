-- How the bookings of a cell spread over the bands of one measure (R17): labels has the numbers of
-- the bands, bookings one number for each. Building -1 is the whole region, band -1 all sizes, month
-- -1 all closed months together.
WITH placed AS (
    SELECT CASE WHEN p.level = 'region' THEN -1 ELSE b.building_no END AS building,
           CASE WHEN p.level = 'building_size' THEN c.band_no ELSE -1 END AS band,
           coalesce(m.month_no, -1) AS month,
           l.measure_no,
           l.label_no,
           CAST(sum(p.bookings) AS BIGINT) AS bookings
    FROM booking_profile AS p
    JOIN profile_labels AS l ON l.measure = p.measure AND l.label IS NOT DISTINCT FROM p.band
    LEFT JOIN buildings AS b ON b.building IS NOT DISTINCT FROM p.building
    LEFT JOIN bands AS c ON c.capacity_band IS NOT DISTINCT FROM p.capacity_band
    LEFT JOIN (SELECT DISTINCT month, month_no FROM days) AS m ON m.month = p.month
    WHERE p.level <> 'site'
      AND (p.month IS NULL OR m.month IS NOT NULL)
    GROUP BY 1, 2, 3, 4, 5
)
SELECT building,
       band,
       CAST(month AS INTEGER) AS month,
       measure_no AS measure,
       list(label_no ORDER BY label_no) AS labels,
       list(bookings ORDER BY label_no) AS bookings
FROM placed
WHERE building IS NOT NULL
GROUP BY building, band, month, measure_no
ORDER BY measure_no, building, band, month
