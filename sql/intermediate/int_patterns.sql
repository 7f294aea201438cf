-- int_patterns: one row per combination of levels that pairs have
-- grain: pattern
-- keys: none
-- materialize: table
-- pii: none
-- why: there are far fewer of them than pairs, so training and weighing work on these

select
    pattern,
    name_level,
    rest_level,
    number_level,
    unit_level,
    distance_level,
    address_level,
    area_level,
    phone_level,
    web_level,
    asked_level,
    count(*) as pairs,
from intermediate.int_pairs_compared
group by
    pattern, name_level, rest_level, number_level, unit_level, distance_level, address_level, area_level, phone_level,
    web_level, asked_level
