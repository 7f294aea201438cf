-- int_pairs_blocked: one row per pair of records that share a block, or of a record and the answer about it
-- grain: left_id, right_id
-- keys: none
-- materialize: table
-- pii: none
-- why: an answer meets its subject and no other record, so that what a provider says about a chain does not join
--   the branches that it was asked about

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
),

answers as (
    select record_id, subject_provider, subject_key
    from intermediate.int_records_normalised
    where subject_key is not null
),

final as (
    select distinct l.record_id as left_id, r.record_id as right_id
    from kept as l
    inner join kept as r on r.block_key = l.block_key and l.record_id < r.record_id
    union all
    select s.record_id as left_id, a.record_id as right_id
    from answers as a
    inner join intermediate.int_records_normalised as s
        on s.provider = a.subject_provider
        and s.provider_key = a.subject_key
        and s.subject_key is null
)

select * from final
