-- Work table: the open, listed and unread rooms of each site, summed over all shards.
SELECT p.place_no,
       r.local_date,
       CAST(sum(r.rooms_open) AS INTEGER) AS rooms_open,
       CAST(sum(r.rooms_listed) AS INTEGER) AS rooms_listed,
       CAST(sum(r.rooms_unread) AS INTEGER) AS rooms_unread
FROM site_rooms AS r
JOIN places AS p ON p.level = 'site' AND p.site = r.site
GROUP BY p.place_no, r.local_date
