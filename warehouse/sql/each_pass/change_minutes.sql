-- Work table: the open minutes of the time that each change set free, and how many of them are
-- booked in the end (R20), from the masks of the hours.
WITH cells AS (
    SELECT c.change_no,
           d.room_no,
           c.free_from + d.phase_minutes AS free_from,
           c.free_to + d.phase_minutes AS free_to,
           unnest(range((c.free_from + d.phase_minutes) // 60,
                        (c.free_to + d.phase_minutes - 1) // 60 + 1)) AS cell
    FROM numbered_changes AS c
    JOIN directory AS d ON d.room_id = c.room_id
    WHERE c.given_back_minutes > 0
      AND NOT d.is_personal
),
hours AS (
    SELECT c.change_no,
           m.open_mask,
           m.booked_mask,
           (CAST(1 AS BIGINT) << least(c.free_to - c.cell * 60, 60))
               - (CAST(1 AS BIGINT) << greatest(c.free_from - c.cell * 60, 0)) AS free_mask
    FROM masks AS m
    JOIN cells AS c ON c.room_no = m.room_no AND c.cell = m.cell
)
SELECT change_no,
       CAST(sum(bit_count(open_mask & free_mask)) AS BIGINT) AS open_minutes,
       CAST(sum(bit_count(booked_mask & free_mask)) AS BIGINT) AS booked_minutes
FROM hours
GROUP BY change_no
