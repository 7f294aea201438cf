-- After blocks.sql: the pairs of the delta and of repaired records with any record, and what comparing them needs.
--   movers: the records whose pairs are made anew; left: those whose pairs of before no longer count
--   alive: the keys of all records as they are now (a view)
--   parties: the records of those pairs, numbered as a full resolution orders them
-- int_records_kept, int_records_normalised and int_pairs_blocked become those of the parties.

create or replace table scratch.incremental.movers as
select record_id
from scratch.incremental.ids
union all
select record_id
from scratch.incremental.repaired;

create or replace table scratch.incremental.left_behind as
select record_id from scratch.incremental.ended
union
select record_id from scratch.incremental.repaired;

create or replace table scratch.incremental.delta_keys as
select i.record_id, k.provider, k.provider_key, k.subject_provider, k.subject_key
from scratch.intermediate.int_records_kept as k
inner join scratch.incremental.ids as i on i.delta_id = k.record_id;

create or replace view scratch.incremental.alive as
select record_id, provider, provider_key, subject_provider, subject_key
from scratch.incremental.delta_keys
union all
select r.record_id, r.provider, r.provider_key, r.subject_provider, r.subject_key
from matchstate.records as r
anti join scratch.incremental.ended as e on e.record_id = r.record_id;

-- the blocks of repaired records that nothing touched: they are as they were
create or replace table scratch.incremental.others as
with keys as (
    select distinct k.block_key
    from matchstate.block_keys as k
    semi join scratch.incremental.repaired as r on r.record_id = k.record_id
    anti join scratch.incremental.blocks as b on b.block_key = k.block_key
)

select k.record_id, k.block_key, count(*) over (partition by k.block_key) as now
from matchstate.block_keys as k
semi join keys as t on t.block_key = k.block_key;

-- part is 0 where a block is small enough to be taken whole
create or replace table scratch.incremental.places as
with members as (
    select s.record_id, s.block_key, b.now
    from scratch.incremental.stays as s
    inner join scratch.incremental.blocks as b on b.block_key = s.block_key
    union all
    select h.record_id, h.block_key, b.now
    from scratch.incremental.has as h
    inner join scratch.incremental.blocks as b on b.block_key = h.block_key
    union all
    select record_id, block_key, now
    from scratch.incremental.others
),

parted as (
    select record_id, block_key, part
    from scratch.incremental.large
    where kind <> 'had' and now > 50
    union all
    select
        o.record_id,
        o.block_key,
        hash(coalesce(n.postal, n.city, ''), left(n.name_compact, 4)) as part,
    from scratch.incremental.others as o
    inner join matchstate.normalised as n on n.record_id = o.record_id
    where o.now > 50
),

fitting as (
    select block_key, part
    from parted
    group by block_key, part
    having count(*) between 2 and 200
)

select record_id, block_key, cast(0 as ubigint) as part
from members
where now <= 50
union all
select p.record_id, p.block_key, p.part
from parted as p
semi join fitting as f on f.block_key = p.block_key and f.part = p.part;

create or replace table scratch.incremental.blocked as
with moving as (
    select p.record_id, p.block_key, p.part
    from scratch.incremental.places as p
    semi join scratch.incremental.movers as m on m.record_id = p.record_id
),

answers as (
    select record_id, subject_provider, subject_key
    from scratch.incremental.alive
    where subject_key is not null
),

asked as (
    select a.record_id as answer_id, s.record_id as subject_id
    from answers as a
    inner join scratch.incremental.alive as s
        on s.provider = a.subject_provider
        and s.provider_key = a.subject_key
        and s.subject_key is null
)

select distinct
    least(m.record_id, p.record_id) as one_id,
    greatest(m.record_id, p.record_id) as other_id,
from moving as m
inner join scratch.incremental.places as p
    on p.block_key = m.block_key
    and p.part = m.part
    and p.record_id <> m.record_id
union all
select answer_id as one_id, subject_id as other_id
from asked
where
    answer_id in (select record_id from scratch.incremental.movers)
    or subject_id in (select record_id from scratch.incremental.movers);

create or replace table scratch.incremental.parties as
with ends as (
    select one_id as record_id
    from scratch.incremental.blocked
    union
    select other_id as record_id
    from scratch.incremental.blocked
)

select
    a.*,
    row_number() over (
        order by a.subject_key is not null, a.provider, a.provider_key, a.subject_provider, a.subject_key
    ) as party_id,
from scratch.incremental.alive as a
semi join ends as e on e.record_id = a.record_id;

create or replace table scratch.incremental.party_records as
with records as (
    select n.*
    from matchstate.normalised as n
    anti join scratch.incremental.ended as e on e.record_id = n.record_id
    union all by name
    select n.* replace (i.record_id as record_id)
    from scratch.intermediate.int_records_normalised as n
    inner join scratch.incremental.ids as i on i.delta_id = n.record_id
)

select r.* replace (p.party_id as record_id)
from records as r
inner join scratch.incremental.parties as p on p.record_id = r.record_id;

-- what the state will hold of the delta
create or replace table scratch.incremental.delta_normalised as
select n.* replace (i.record_id as record_id)
from scratch.intermediate.int_records_normalised as n
inner join scratch.incremental.ids as i on i.delta_id = n.record_id;

create or replace table scratch.intermediate.int_records_normalised as
select * from scratch.incremental.party_records;

create or replace table scratch.intermediate.int_records_kept as
select party_id as record_id, provider, provider_key, subject_provider, subject_key
from scratch.incremental.parties;

create or replace table scratch.intermediate.int_pairs_blocked as
select
    least(o.party_id, t.party_id) as left_id,
    greatest(o.party_id, t.party_id) as right_id,
from scratch.incremental.blocked as b
inner join scratch.incremental.parties as o on o.record_id = b.one_id
inner join scratch.incremental.parties as t on t.record_id = b.other_id;

drop table scratch.incremental.party_records;
drop table scratch.incremental.others;
drop table scratch.incremental.places
