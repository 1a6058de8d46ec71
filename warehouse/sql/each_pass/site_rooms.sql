-- Work table, for shards: each site's open, listed and unread rooms in this shard, to be summed.
SELECT p.site, o.local_date, o.rooms_open, o.rooms_listed, o.rooms_unread
FROM open_places AS o
JOIN places AS p ON p.place_no = o.place_no
WHERE p.level = 'site'
