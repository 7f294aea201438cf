-- int_keys_phone: one row per record and blocking key of its phone number
-- grain: none
-- keys: none
-- materialize: view
-- pii: key
-- why: the last seven digits bring together numbers of which one lacks its area code

select record_id, hash('p', phone) as key
from intermediate.int_records_normalised
where subject_key is null and phone is not null
union all
select record_id, hash('t', phone_tail, left(name_compact, 2)) as key
from intermediate.int_records_normalised
where subject_key is null and phone_tail is not null
