-- One row: when and from what this database was built. The last run is the one that wrote the days
-- with the latest reading.
WITH latest AS (
    SELECT max(read_at) AS read_at FROM coverage
),
last_days AS (
    SELECT DISTINCT c.local_date
    FROM coverage AS c
    CROSS JOIN latest AS l
    WHERE c.read_at = l.read_at OR l.read_at IS NULL
),
last_run AS (
    SELECT c.room_id, bool_and(c.is_loaded) AS is_loaded
    FROM coverage AS c
    JOIN last_days AS t ON t.local_date = c.local_date
    WHERE c.is_loaded OR c.error_code IS NOT NULL  -- neither: erased, not failed
    GROUP BY c.room_id
)
SELECT s.region,
       s.built_at,
       s.data_through,
       s.code_version,
       s.contract_version,
       (SELECT count(*) FROM bookings) AS bookings,
       CAST((SELECT count(*) FROM last_run) AS INTEGER) AS rooms_expected,
       CAST((SELECT count(*) FROM last_run WHERE is_loaded) AS INTEGER) AS rooms_loaded,
       (SELECT rows_of_few FROM profile_merged)
           + CAST((SELECT coalesce(sum(cells), 0) FROM hidden_cells) AS BIGINT) AS suppressed_cells,
       s.restated_from
FROM settings AS s
