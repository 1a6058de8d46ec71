-- Work table: the changes of each site, summed over all shards.
SELECT CAST(p.place_no AS INTEGER) AS place_no,
       c.local_date,
       c.minute,
       CAST(sum(c.opened) AS INTEGER) AS opened,
       CAST(sum(c.booked) AS INTEGER) AS booked
FROM site_changes AS c
JOIN places AS p ON p.level = 'site' AND p.site = c.site
GROUP BY p.place_no, c.local_date, c.minute
ORDER BY c.local_date, p.place_no, c.minute
