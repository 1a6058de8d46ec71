-- Work table: the open minutes of the time that each change set free, how many of them are booked in
-- the end (R20), and how many are not though another booking had them at both readings: it went
-- later, or is held. From the masks of the hours. Where a moved or resized booking came to be at
-- once was never free. A combined room is booked while all of its parts are (R25).
WITH cells AS (
    SELECT c.change_no,
           d.room_no,
           d.room_id,
           d.profile,
           c.seen_after + d.phase_minutes AS seen_after,
           c.seen_at + d.phase_minutes AS seen_at,
           c.free_from + d.phase_minutes AS free_from,
           c.free_to + d.phase_minutes AS free_to,
           c.now_from + d.phase_minutes AS now_from,
           c.now_to + d.phase_minutes AS now_to,
           unnest(range(greatest((c.free_from + d.phase_minutes) // 60, z.first_cell),
                        least((c.free_to + d.phase_minutes - 1) // 60,
                              z.first_cell + (p.last_date - p.first_date + 3) * 24) + 1)) AS cell
    FROM numbered_changes AS c
    JOIN directory AS d ON d.room_id = c.room_id
    JOIN pass_zones AS z ON z.zone_no = d.zone_no
    CROSS JOIN pass AS p
    WHERE c.given_back_minutes > 0
      AND NOT d.is_personal
),
freed AS (
    SELECT change_no,
           room_no,
           room_id,
           profile,
           seen_after,
           seen_at,
           cell,
           minutes_between(free_from - cell * 60, free_to - cell * 60)
               & ~coalesce(minutes_between(now_from - cell * 60, now_to - cell * 60), 0)
               AS free_mask
    FROM cells
),
others AS (
    SELECT o.room_no,
           o.starts_minute,
           o.ends_minute,
           o.known_from,
           o.gone_at,
           unnest(range(greatest(o.starts_minute // 60, z.first_cell),
                        least((o.ends_minute - 1) // 60,
                              z.first_cell + (p.last_date - p.first_date + 3) * 24) + 1)) AS cell
    FROM (
        SELECT room_no, starts_minute, ends_minute, known_from, gone_at FROM gone_here
        UNION ALL
        SELECT room_no, starts_minute, ends_minute, known_from, NULL FROM live WHERE NOT is_booked
    ) AS o
    JOIN directory AS d ON d.room_no = o.room_no
    JOIN pass_zones AS z ON z.zone_no = d.zone_no
    CROSS JOIN pass AS p
),
stood AS (
    SELECT f.change_no,
           f.room_no,
           f.cell,
           bit_or(minutes_between(o.starts_minute - o.cell * 60, o.ends_minute - o.cell * 60))
               AS stood_mask
    FROM others AS o
    JOIN freed AS f ON f.room_no = o.room_no AND f.cell = o.cell
    WHERE o.known_from <= f.seen_after
      AND coalesce(o.gone_at > f.seen_at, true)
    GROUP BY f.change_no, f.room_no, f.cell
),
hours AS (
    SELECT f.change_no, f.room_no, f.cell, f.free_mask, m.open_mask, m.booked_mask
    FROM freed AS f
    JOIN masks AS m ON m.room_no = f.room_no AND m.cell = f.cell
    UNION ALL
    SELECT f.change_no,
           f.room_no,
           f.cell,
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
    GROUP BY f.change_no, f.room_no, f.cell, f.free_mask, k.local_date, k.local_hour, k.open_mask
)
SELECT h.change_no,
       CAST(sum(bit_count(h.open_mask & h.free_mask)) AS BIGINT) AS open_minutes,
       CAST(sum(bit_count(h.booked_mask & h.free_mask)) AS BIGINT) AS booked_minutes,
       CAST(sum(bit_count(h.open_mask & h.free_mask & ~h.booked_mask & coalesce(s.stood_mask, 0)))
           AS BIGINT) AS left_minutes
FROM hours AS h
LEFT JOIN stood AS s ON s.change_no = h.change_no AND s.room_no = h.room_no AND s.cell = h.cell
GROUP BY h.change_no
