-- Work table: the buildings of the rooms that the page is about, by name; rooms without one last.
SELECT building,
       CAST(row_number() OVER (ORDER BY building NULLS LAST) - 1 AS INTEGER) AS building_no
FROM (
    SELECT DISTINCT building
    FROM rooms
    WHERE room_type NOT IN (SELECT room_type FROM personal_room_types)
) AS named
