-- Work table: how many rooms open or close, are booked or become free at which minutes of an hour, in
-- each place. Equal pairs of masks are counted first. A pair is a list of changes, and changes can be
-- added up for any place. Hours are UTC hours here, so that rooms of zones with another phase can stand
-- in one place.
WITH shifted AS (
    SELECT r.smallest_place, m.local_date, m.cell, r.phase_minutes, m.open_mask, m.booked_mask
    FROM masks AS m
    JOIN room_places AS r ON r.room_no = m.room_no
    CROSS JOIN settings AS s
    WHERE m.open_mask <> 0
      AND m.local_date <= s.through_date
),
utc_hours AS (
    SELECT smallest_place, local_date, cell,
           open_mask >> phase_minutes AS open_mask,
           booked_mask >> phase_minutes AS booked_mask
    FROM shifted
    UNION ALL
    SELECT smallest_place, local_date, cell - 1 AS cell,
           (open_mask & ((CAST(1 AS BIGINT) << phase_minutes) - 1)) << (60 - phase_minutes)
               AS open_mask,
           (booked_mask & ((CAST(1 AS BIGINT) << phase_minutes) - 1)) << (60 - phase_minutes)
               AS booked_mask
    FROM shifted
    WHERE phase_minutes > 0
),
counted AS (
    SELECT smallest_place, local_date, cell, open_mask, booked_mask, count(*) AS rooms
    FROM utc_hours
    WHERE open_mask <> 0
    GROUP BY smallest_place, local_date, cell, open_mask, booked_mask
),
pairs AS (
    SELECT DISTINCT open_mask, booked_mask FROM counted
),
pair_changes AS (
    SELECT p.open_mask,
           p.booked_mask,
           m.minute,
           ((p.open_mask >> m.minute) & 1) - (((p.open_mask << 1) >> m.minute) & 1) AS opened,
           ((p.booked_mask >> m.minute) & 1) - (((p.booked_mask << 1) >> m.minute) & 1) AS booked
    FROM pairs AS p
    CROSS JOIN minutes AS m
    WHERE m.minute < 60
      AND ((xor(p.open_mask, p.open_mask << 1) | xor(p.booked_mask, p.booked_mask << 1))
           >> m.minute) & 1 = 1
),
changes AS (
    SELECT c.smallest_place,
           c.local_date,
           c.cell,
           p.minute,
           sum(c.rooms * p.opened) AS opened,
           sum(c.rooms * p.booked) AS booked
    FROM counted AS c
    JOIN pair_changes AS p ON p.open_mask = c.open_mask AND p.booked_mask = c.booked_mask
    GROUP BY c.smallest_place, c.local_date, c.cell, p.minute
)
SELECT p.place_no,
       c.local_date,
       c.cell,
       c.minute,
       CAST(sum(c.opened) AS BIGINT) AS opened,
       CAST(sum(c.booked) AS BIGINT) AS booked
FROM changes AS c
JOIN larger_places AS p ON p.smallest_place = c.smallest_place
GROUP BY p.place_no, c.local_date, c.cell, c.minute
