-- Cancellations by building, closed month and notice (R19, R20). Building -1 is the whole region,
-- month -1 all closed months together. A building name that two sites share has no bookings_kept.
SELECT CASE WHEN p.level = 'region' THEN -1 ELSE b.building_no END AS building,
       coalesce(m.month_no, -1) AS month,
       p.notice_band AS label,
       CAST(sum(p.changes) AS BIGINT) AS cancelled,
       CAST(sum(p.minutes_given_back) AS BIGINT) AS minutes_given_back,
       CAST(sum(p.minutes_booked_again) AS BIGINT) AS minutes_booked_again,
       CASE WHEN count(DISTINCT p.site) <= 1 THEN max(p.bookings_kept) END AS bookings_kept
FROM change_profile AS p
LEFT JOIN buildings AS b ON b.building IS NOT DISTINCT FROM p.building
LEFT JOIN (SELECT DISTINCT month, month_no FROM days) AS m ON m.month = p.month
WHERE p.change = 'cancelled'
  AND p.level IN ('region', 'building')
  AND (p.month IS NULL OR m.month IS NOT NULL)
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3
