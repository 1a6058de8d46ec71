-- Work table, for shards: the changes at each site from this shard's rooms, to be summed.
SELECT p.site, c.local_date, c.minute, c.opened, c.booked
FROM place_changes AS c
JOIN places AS p ON p.place_no = c.place_no
WHERE p.level = 'site'
