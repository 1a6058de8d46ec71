-- Work table: the union of what is booked and held, by room and hour (R8): the OR of the masks.
SELECT room_no,
       cell,
       bit_or(CASE WHEN is_booked THEN mask ELSE 0 END) AS booked_mask,
       bit_or(CASE WHEN is_booked THEN 0 ELSE mask END) AS held_mask,
       CAST(sum(CASE WHEN is_booked THEN bit_count(mask) ELSE 0 END) AS BIGINT) AS minutes_summed
FROM pieces
GROUP BY room_no, cell
