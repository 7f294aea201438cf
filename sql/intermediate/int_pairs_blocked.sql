-- int_pairs_blocked: one row per pair of records that share a block, or of a record and the answer about it
-- grain: left_id, right_id
-- keys: none
-- materialize: table
-- pii: none
-- why: a large block is cut by area and the start of the name, and one that is still too large is left out; an answer
--   meets its subject and no other record, so that what a provider says about a chain does not join the branches

with small as (
    select k.record_id, k.block_key
    from intermediate.int_block_keys as k
    inner join intermediate.int_blocks as b on b.block_key = k.block_key
    where b.records <= 50
),

refined as (
    select k.record_id, hash(k.block_key, coalesce(r.postal, r.city, ''), left(r.name_compact, 4)) as block_key
    from intermediate.int_block_keys as k
    inner join intermediate.int_blocks as b on b.block_key = k.block_key
    inner join intermediate.int_records_normalised as r on r.record_id = k.record_id
    where b.records > 50 and r.subject_key is null
),

fitting as (
    select block_key
    from refined
    group by block_key
    having count(*) between 2 and 200
),

kept as (
    select record_id, block_key from small
    union all
    select r.record_id, r.block_key
    from refined as r
    inner join fitting as f on f.block_key = r.block_key
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
