-- int_pairs_blocked: one row per pair of records that share a block
-- grain: left_id, right_id
-- keys: none
-- materialize: table
-- pii: none

with sized as (
    select record_id, block_key, narrow_key, count(*) over (partition by block_key) as block_rows
    from intermediate.int_block_keys
),

cut as (
    select record_id, case when block_rows <= 50 then block_key else narrow_key end as block_key
    from sized
    where block_rows > 1
),

narrow as (
    select block_key
    from cut
    group by block_key
    having count(*) between 2 and 200
),

kept as (
    select distinct c.block_key, c.record_id
    from cut as c
    inner join narrow as n on n.block_key = c.block_key
)

select distinct l.record_id as left_id, r.record_id as right_id
from kept as l
inner join kept as r on r.block_key = l.block_key and l.record_id < r.record_id
