-- After the models up to int_block_keys ran over the delta: who has to be paired anew.
--   ids: each record of the delta with its id in the state
--   ended: records of the state that left or changed
--   has, had, stays: the keys of the delta, of ended records, and of unchanged ones in the blocks of either
--   blocks: those blocks, with their records before and now
--   large: the members of those that are, or were, cut by a second key, with that key
--   repaired: unchanged records of a block, or part of one, that is cut now and was not, or the other way round. Their
--     pairs may go although neither side changed, so these, too, are made anew.
-- How blocks are cut is int_pairs_blocked's rule.

create or replace table scratch.incremental.ids as
with last as (
    select coalesce(max(record_id), 0) as record_id
    from matchstate.records
)

select
    k.record_id as delta_id,
    r.record_id is null as is_new,
    coalesce(
        r.record_id,
        l.record_id + row_number() over (partition by r.record_id is null order by k.record_id)
    ) as record_id,
from scratch.intermediate.int_records_kept as k
cross join last as l
left join matchstate.records as r
    on r.provider = k.provider
    and r.provider_key = k.provider_key
    and r.subject_provider is not distinct from k.subject_provider
    and r.subject_key is not distinct from k.subject_key;

create or replace table scratch.incremental.ended as
select record_id
from scratch.incremental.ids
where not is_new
union all
select record_id
from scratch.incremental.gone;

create or replace table scratch.incremental.had as
select k.record_id, k.block_key
from matchstate.block_keys as k
semi join scratch.incremental.ended as e on e.record_id = k.record_id;

create or replace table scratch.incremental.has as
select i.record_id, k.block_key
from scratch.intermediate.int_block_keys as k
inner join scratch.incremental.ids as i on i.delta_id = k.record_id;

create or replace table scratch.incremental.stays as
with touched as (
    select block_key from scratch.incremental.had
    union
    select block_key from scratch.incremental.has
)

select k.record_id, k.block_key
from matchstate.block_keys as k
semi join touched as t on t.block_key = k.block_key
anti join scratch.incremental.ended as e on e.record_id = k.record_id;

create or replace table scratch.incremental.blocks as
with members as (
    select block_key, 1 as was, 1 as now
    from scratch.incremental.stays
    union all
    select block_key, 1 as was, 0 as now
    from scratch.incremental.had
    union all
    select block_key, 0 as was, 1 as now
    from scratch.incremental.has
)

select block_key, sum(was) as was, sum(now) as now
from members
group by block_key;

create or replace table scratch.incremental.large as
with oversized as (
    select block_key, was, now
    from scratch.incremental.blocks
    where was > 50 or now > 50
),

members as (
    select 'stays' as kind, record_id, block_key
    from scratch.incremental.stays
    union all
    select 'had' as kind, record_id, block_key
    from scratch.incremental.had
),

final as (
    select
        m.kind,
        m.record_id,
        m.block_key,
        o.was,
        o.now,
        hash(coalesce(n.postal, n.city, ''), left(n.name_compact, 4)) as part,
    from members as m
    inner join oversized as o on o.block_key = m.block_key
    inner join matchstate.normalised as n on n.record_id = m.record_id
    union all
    select
        'has' as kind,
        i.record_id,
        k.block_key,
        o.was,
        o.now,
        hash(coalesce(n.postal, n.city, ''), left(n.name_compact, 4)) as part,
    from scratch.intermediate.int_block_keys as k
    inner join scratch.incremental.ids as i on i.delta_id = k.record_id
    inner join oversized as o on o.block_key = k.block_key
    inner join scratch.intermediate.int_records_normalised as n on n.record_id = k.record_id
)

select * from final;

create or replace table scratch.incremental.repaired as
with parts as (
    select
        block_key,
        part,
        count(*) filter (where kind <> 'has') between 2 and 200 as was_fitting,
        count(*) filter (where kind <> 'had') between 2 and 200 as is_fitting,
    from scratch.incremental.large
    where was > 50 and now > 50
    group by block_key, part
    having count(*) filter (where kind = 'stays') > 1
)

select s.record_id
from scratch.incremental.stays as s
inner join scratch.incremental.blocks as b on b.block_key = s.block_key
where (b.was > 50) <> (b.now > 50)
union
select l.record_id
from scratch.incremental.large as l
inner join parts as p on p.block_key = l.block_key and p.part = l.part
where l.kind = 'stays' and p.was_fitting <> p.is_fitting
