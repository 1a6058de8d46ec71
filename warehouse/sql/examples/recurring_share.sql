-- How many bookings are series, and how many have guests? Shares of all bookings of the closed
-- months; null if a band was merged into few, so that its share is unknown.
WITH bands AS (
    SELECT site,
           building,
           measure,
           max(cell_bookings) AS cell_bookings,
           max(CASE WHEN band = 'single' THEN bookings END) AS single_bookings,
           max(CASE WHEN band = 'external' THEN bookings END) AS external_bookings,
           max(CASE WHEN band = 'internal' THEN bookings END) AS internal_bookings
    FROM booking_profile
    WHERE level = 'building'
      AND month IS NULL
      AND measure IN ('kind', 'external')
    GROUP BY site, building, measure
)
SELECT site,
       building,
       max(cell_bookings) AS bookings,
       1 - max(CASE WHEN measure = 'kind' THEN single_bookings / cell_bookings END)
           AS recurring_share,
       max(external_bookings / (external_bookings + internal_bookings)) AS external_share
FROM bands
GROUP BY site, building
ORDER BY site, building
