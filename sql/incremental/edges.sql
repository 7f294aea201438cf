-- After int_pairs_compared and int_pattern_weights of the new pairs, and scratch.runtime.links: the components that may
-- have changed, ready to be clustered.
--   made: the new pairs, by ids of the state
--   within: the records of every component that had an ended record, has a mover or an end of a new positive pair, or
--     is tied to one of these by people, or was. No positive pair leads out of it, neither before nor now.
-- int_records_kept, int_edges and int_links become those of these records, numbered as a full resolution orders them.

create or replace table scratch.incremental.made as
select l.record_id as left_id, r.record_id as right_id, c.pattern, w.match_weight
from scratch.intermediate.int_pairs_compared as c
inner join scratch.intermediate.int_pattern_weights as w on w.pattern = c.pattern
inner join scratch.incremental.parties as l on l.party_id = c.left_id
inner join scratch.incremental.parties as r on r.party_id = c.right_id;

create or replace table scratch.incremental.within as
with relinked as (
    select l.left_provider, l.left_key, l.right_provider, l.right_key
    from scratch.runtime.links as l
    anti join matchstate.links as k on k.link_id = l.link_id
    union all
    select k.left_provider, k.left_key, k.right_provider, k.right_key
    from matchstate.links as k
    anti join scratch.runtime.links as l on l.link_id = k.link_id
    union all
    select l.left_provider, l.left_key, l.right_provider, l.right_key
    from scratch.runtime.links as l
    semi join scratch.incremental.delta_keys as d on d.provider = l.left_provider and d.provider_key = l.left_key
    union all
    select l.left_provider, l.left_key, l.right_provider, l.right_key
    from scratch.runtime.links as l
    semi join scratch.incremental.delta_keys as d on d.provider = l.right_provider and d.provider_key = l.right_key
),

link_ends as (
    select left_provider as provider, left_key as provider_key
    from relinked
    union
    select right_provider as provider, right_key as provider_key
    from relinked
),

touched as (
    select record_id
    from scratch.incremental.left_behind
    union
    select record_id
    from scratch.incremental.movers
    union
    select left_id as record_id
    from scratch.incremental.made
    where match_weight > 0
    union
    select right_id as record_id
    from scratch.incremental.made
    where match_weight > 0
    union
    select a.record_id
    from scratch.incremental.alive as a
    inner join link_ends as e on e.provider = a.provider and e.provider_key = a.provider_key
    where a.subject_key is null
),

hit as (
    select distinct c.component_id
    from matchstate.components as c
    semi join touched as t on t.record_id = c.record_id
),

members as (
    select record_id
    from touched
    union
    select c.record_id
    from matchstate.components as c
    semi join hit as h on h.component_id = c.component_id
)

select m.record_id
from members as m
anti join scratch.incremental.gone as g on g.record_id = m.record_id;

create or replace table scratch.incremental.places as
select
    a.record_id,
    row_number() over (
        order by a.subject_key is not null, a.provider, a.provider_key, a.subject_provider, a.subject_key
    ) as place,
    a.provider,
    a.provider_key,
    a.subject_provider,
    a.subject_key,
from scratch.incremental.alive as a
semi join scratch.incremental.within as w on w.record_id = a.record_id;

create or replace table scratch.intermediate.int_records_kept as
select place as record_id, provider, provider_key, subject_provider, subject_key
from scratch.incremental.places;

create or replace table scratch.intermediate.int_edges as
with edges as (
    select left_id, right_id, match_weight
    from scratch.incremental.made
    union all
    select p.left_id, p.right_id, w.match_weight
    from matchstate.pairs as p
    inner join matchstate.patterns as w on w.pattern = p.pattern
    anti join scratch.incremental.left_behind as l on l.record_id = p.left_id
    anti join scratch.incremental.left_behind as r on r.record_id = p.right_id
)

select l.place as left_id, r.place as right_id, e.match_weight
from edges as e
inner join scratch.incremental.places as l on l.record_id = e.left_id
inner join scratch.incremental.places as r on r.record_id = e.right_id
