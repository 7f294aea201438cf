-- int_names: one row per record with a name, in the form that is compared
-- grain: record_id
-- keys: record_id -> intermediate.int_records_kept.record_id
-- materialize: table
-- pii: none

select record_id, name_key(name) as name_key
from intermediate.int_records_kept
where name_key(name) is not null
