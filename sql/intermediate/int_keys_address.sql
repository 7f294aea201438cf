-- int_keys_address: one row per record and blocking key of its address
-- grain: none
-- keys: none
-- materialize: view
-- pii: key
-- why: with the start of the name, because most who share an address are neighbours, by street and city and again by
--   postal code; records without a place have no other key that forgives a typo there, so they have two without it

select record_id, hash('h', house, left(street, 3), city, left(name_compact, 2)) as key
from intermediate.int_records_normalised
where subject_key is null and house is not null and street is not null
union all
select record_id, hash('a', house, street, coalesce(postal, city)) as key
from intermediate.int_records_normalised
where subject_key is null and lat is null and house is not null and street is not null
union all
select record_id, hash('i', house, left(street, 3), city) as key
from intermediate.int_records_normalised
where subject_key is null and lat is null and house is not null and street is not null
union all
select record_id, hash('z', house, postal, left(name_compact, 2)) as key
from intermediate.int_records_normalised
where subject_key is null and house is not null and postal is not null
