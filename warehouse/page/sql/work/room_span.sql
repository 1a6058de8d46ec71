-- Work table: the first month in which rooms stand one by one. Where there are more rooms and
-- months than the page has room for, it is the latest months that stay.
SELECT greatest(
           0,
           (SELECT max(month_no) FROM days) + 1
               - l.room_months // greatest((SELECT count(*) FROM places), 1)
       ) AS first_month_no
FROM limits AS l
