-- Work table: the open minutes of the time that each change set free, and how many of them are
-- booked in the end (R20), from the masks of the hours. Where a moved or resized booking came to be
-- at once was never free. A combined room is booked while all of its parts are (R25).
WITH cells AS (
    SELECT c.change_no,
           d.room_no,
           d.room_id,
           d.profile,
           c.free_from + d.phase_minutes AS free_from,
           c.free_to + d.phase_minutes AS free_to,
           c.now_from + d.phase_minutes AS now_from,
           c.now_to + d.phase_minutes AS now_to,
           unnest(range((c.free_from + d.phase_minutes) // 60,
                        (c.free_to + d.phase_minutes - 1) // 60 + 1)) AS cell
    FROM numbered_changes AS c
    JOIN directory AS d ON d.room_id = c.room_id
    WHERE c.given_back_minutes > 0
      AND NOT d.is_personal
),
freed AS (
    SELECT change_no,
           room_no,
           room_id,
           profile,
           cell,
           minutes_between(free_from - cell * 60, free_to - cell * 60)
               & ~coalesce(minutes_between(now_from - cell * 60, now_to - cell * 60), 0)
               AS free_mask
    FROM cells
),
hours AS (
    SELECT f.change_no, f.free_mask, m.open_mask, m.booked_mask
    FROM freed AS f
    JOIN masks AS m ON m.room_no = f.room_no AND m.cell = f.cell
    UNION ALL
    SELECT f.change_no,
           f.free_mask,
           k.open_mask,
           k.open_mask & bit_and(coalesce(m.booked_mask | m.outside_mask, 0)) AS booked_mask
    FROM freed AS f
    JOIN calendar AS k ON k.profile = f.profile AND k.cell = f.cell
    JOIN room_dates AS r
        ON r.room_no = f.room_no AND r.local_date = k.local_date AND r.is_in_use AND r.is_whole
    JOIN directory AS p
        ON p.part_of = f.room_id AND k.local_date >= p.valid_from AND k.local_date < p.valid_to
    LEFT JOIN masks AS m
        ON m.room_no = p.room_no AND m.cell = k.cell AND m.local_date = k.local_date
    GROUP BY f.change_no, f.cell, f.free_mask, k.local_date, k.local_hour, k.open_mask
)
SELECT change_no,
       CAST(sum(bit_count(open_mask & free_mask)) AS BIGINT) AS open_minutes,
       CAST(sum(bit_count(booked_mask & free_mask)) AS BIGINT) AS booked_minutes
FROM hours
GROUP BY change_no
