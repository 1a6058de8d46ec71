-- One row: what the database was built from, and what it lacks.
SELECT i.region,
       strftime(i.built_at, '%Y-%m-%dT%H:%MZ') AS built_at,
       i.data_through,
       i.code_version,
       i.rooms_expected,
       i.rooms_loaded,
       i.restated_from,
       (SELECT count(*) FROM rooms) AS rooms,
       (SELECT count(*) FROM places WHERE band_no = (SELECT max(band_no) FROM bands))
           AS rooms_without_capacity,
       (SELECT count(*) FROM places JOIN rooms USING (room_id) WHERE building IS NULL)
           AS rooms_without_building,
       (SELECT count(*) FROM places
        WHERE room_id NOT IN (SELECT room_id FROM coverage WHERE is_loaded
                              UNION SELECT room_id FROM room_days))
           AS rooms_never_read,
       (SELECT first_month_no FROM room_span) AS first_room_month,
       (SELECT coalesce(bool_or(is_daily), true) FROM days) AS is_daily,
       (SELECT min(local_date) FROM days) AS first_date,
       (SELECT min(local_date) FROM coverage WHERE is_loaded) AS first_read_date,
       (SELECT max(local_date) FROM days) AS last_date
FROM build_info AS i
