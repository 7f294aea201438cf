-- int_block_keys: one row per record and blocking key that it has
-- grain: none
-- keys: none
-- materialize: table
-- pii: none
-- why: a pair that shares no key is never compared, so each rule covers what another's missing field loses; answers
--   about one lead take part in none, because they are compared to their subject alone; a key is a hash, because
--   it is only ever compared

with keyed as (
    select record_id, key from intermediate.int_keys_phone
    union all
    select record_id, key from intermediate.int_keys_domain
    union all
    select record_id, key from intermediate.int_keys_name
    union all
    select record_id, key from intermediate.int_keys_address
    union all
    select record_id, key from intermediate.int_keys_geo
    union all
    select record_id, key from intermediate.int_keys_token
)

select record_id, key as block_key
from keyed
