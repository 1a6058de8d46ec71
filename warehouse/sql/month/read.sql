SELECT min(local_date) FILTER (is_loaded), (SELECT data_through FROM build_info)
FROM coverage
