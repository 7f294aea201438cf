-- int_blocks: one row per block of two records or more
-- grain: block_key
-- keys: none
-- materialize: table
-- pii: none
-- why: the number of pairs is known before any pair is made

select block_key, count(*) as records
from intermediate.int_block_keys
group by block_key
having count(*) > 1
