-- int_keys_address: one row per record and blocking key of its address
-- grain: none
-- keys: record_id -> intermediate.int_records_kept.record_id
-- materialize: view
-- pii: key
-- why: the second key forgives a typo in the street, the third a street that is missing or written otherwise

select record_id, 'a' || house || '|' || street || '|' || coalesce(postal, city, '') as key
from intermediate.int_records_normalised
where subject_key is null and house is not null and street is not null
union all
select record_id, 'h' || house || '|' || left(street, 3) || '|' || coalesce(city, '') as key
from intermediate.int_records_normalised
where subject_key is null and house is not null and street is not null
union all
select record_id, 'z' || house || '|' || postal || '|' || left(name_compact, 2) as key
from intermediate.int_records_normalised
where subject_key is null and house is not null and postal is not null
