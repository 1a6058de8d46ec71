-- Work table: the changes of each site, summed over all shards.
SELECT p.place_no,
       c.local_date,
       c.cell,
       c.minute,
       CAST(sum(c.opened) AS BIGINT) AS opened,
       CAST(sum(c.booked) AS BIGINT) AS booked
FROM site_changes AS c
JOIN places AS p ON p.level = 'site' AND p.site = c.site
GROUP BY p.place_no, c.local_date, c.cell, c.minute
