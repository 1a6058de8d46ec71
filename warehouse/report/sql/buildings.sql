-- The buildings in their order; null is rooms without one.
SELECT building FROM buildings ORDER BY building_no
