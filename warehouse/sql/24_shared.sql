-- Work table: the minutes that two or more bookings share, of the few hours that have any: each
-- piece against the OR of those before it. Which one comes first does not matter.
SELECT room_no,
       cell,
       bit_or(mask & mask_before) AS shared_mask
FROM (
    SELECT p.room_no,
           p.cell,
           p.mask,
           bit_or(p.mask) OVER (
               PARTITION BY p.room_no, p.cell ORDER BY p.mask
               ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
           ) AS mask_before
    FROM pieces AS p
    JOIN cells AS c ON c.room_no = p.room_no AND c.cell = p.cell
    WHERE p.is_booked
      AND c.minutes_summed > bit_count(c.booked_mask)
) AS pairs
GROUP BY room_no, cell
