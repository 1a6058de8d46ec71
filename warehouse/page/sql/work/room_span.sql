-- Work table: the first month that has figures by room. If rooms times months exceed the page's
-- limit, only the latest months have them.
SELECT greatest(
           0,
           (SELECT max(month_no) FROM days) + 1
               - l.room_months // greatest((SELECT count(*) FROM places), 1)
       ) AS first_month_no
FROM limits AS l
