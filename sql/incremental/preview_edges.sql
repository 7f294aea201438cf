-- After int_pattern_weights of the previewed weights, and scratch.runtime.links: all that a positive pair or a link
-- holds together, numbered as a full resolution orders it, ready to be clustered.

create or replace table scratch.incremental.places as
with ends as (
    select p.left_id, p.right_id
    from matchstate.pairs as p
    inner join scratch.intermediate.int_pattern_weights as w on w.pattern = p.pattern and w.match_weight > 0
),

link_ends as (
    select left_provider as provider, left_key as provider_key
    from scratch.runtime.links
    union
    select right_provider as provider, right_key as provider_key
    from scratch.runtime.links
),

linked as (
    select left_id as record_id
    from ends
    union
    select right_id as record_id
    from ends
    union
    select r.record_id
    from matchstate.records as r
    inner join link_ends as e on e.provider = r.provider and e.provider_key = r.provider_key
)

select
    r.record_id,
    row_number() over (
        order by r.subject_key is not null, r.provider, r.provider_key, r.subject_provider, r.subject_key
    ) as place,
    r.provider,
    r.provider_key,
    r.subject_provider,
    r.subject_key,
from matchstate.records as r
semi join linked as l on l.record_id = r.record_id;

create or replace table scratch.intermediate.int_records_kept as
select place as record_id, provider, provider_key, subject_provider, subject_key
from scratch.incremental.places;

create or replace table scratch.intermediate.int_edges as
select l.place as left_id, r.place as right_id, w.match_weight
from matchstate.pairs as p
inner join scratch.intermediate.int_pattern_weights as w on w.pattern = p.pattern
inner join scratch.incremental.places as l on l.record_id = p.left_id
inner join scratch.incremental.places as r on r.record_id = p.right_id
