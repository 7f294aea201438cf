-- int_keys_name: one row per record and blocking key of its name
-- grain: none
-- keys: none
-- materialize: view
-- pii: key
-- why: equal names in one place; and, without a place, names that begin alike in one city

select record_id, hash('n', name_compact, coalesce(postal, city)) as key
from intermediate.int_records_normalised
where subject_key is null and name_compact is not null
union all
select record_id, hash('c', left(name_compact, 7), city) as key
from intermediate.int_records_normalised
where subject_key is null and lat is null and name_compact is not null
