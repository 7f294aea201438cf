-- int_block_keys: one row per record and blocking rule that it takes part in
-- grain: none
-- keys: record_id -> intermediate.int_records_kept.record_id
-- materialize: table
-- pii: none
-- why: a pair that shares no key is never compared, so each rule covers what another's missing field loses; answers
--   about one lead take part in none, because they are compared to their subject alone

with keyed as (
    select 'phone' as rule, * from intermediate.int_keys_phone
    union all
    select 'domain' as rule, * from intermediate.int_keys_domain
    union all
    select 'name' as rule, * from intermediate.int_keys_name
    union all
    select 'address' as rule, * from intermediate.int_keys_address
    union all
    select 'geo' as rule, * from intermediate.int_keys_geo
    union all
    select 'token' as rule, * from intermediate.int_keys_token
)

select k.record_id, k.rule, hash(k.key) as block_key
from keyed as k
where k.key is not null
