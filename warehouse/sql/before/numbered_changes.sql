-- Work table: the numbered changes, and from which to which minute since the year 1 each freed a room,
-- but for where the booking is now.
SELECT row_number() OVER (ORDER BY lake_date, lake_row) AS change_no,
       room_id,
       change,
       start_minute(seen_after) AS seen_after,
       start_minute(seen_at) AS seen_at,
       start_minute(starts_at) AS starts_minute,
       greatest(start_minute(starts_at), start_minute(seen_at)) AS free_from,
       end_minute(ends_at) AS free_to,
       start_minute(new_starts_at) AS now_from,
       end_minute(new_ends_at) AS now_to,
       greatest(epoch_us(starts_at) - epoch_us(seen_at), 0) AS notice_us,
       given_back_minutes
FROM lake_changes
