-- Work table, for shards: the changes of the sites' own rooms in this shard, to be added up.
SELECT p.site, c.local_date, c.minute, c.opened, c.booked
FROM place_changes AS c
JOIN places AS p ON p.place_no = c.place_no
WHERE p.level = 'site'
