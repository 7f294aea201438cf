-- After clustering by the previewed weights: each record that is in a cluster of several, now or in the preview, with
-- its lead in both; and each labelled pair of scratch.incremental.told with what the weights say of it, now and then.

create or replace table scratch.incremental.cells as
with previewed as (
    select p.record_id, k.record_id as lead_key
    from scratch.intermediate.int_clusters as c
    inner join scratch.incremental.places as p on p.place = c.record_id
    inner join scratch.incremental.places as k on k.place = c.cluster_id
)

select
    coalesce(c.record_id, p.record_id) as record_id,
    coalesce(c.cluster_id, p.record_id) as lead_now,
    coalesce(p.lead_key, c.record_id) as lead_then,
from matchstate.clusters as c
full outer join previewed as p on p.record_id = c.record_id;

create or replace table scratch.incremental.labels as
with listed as (
    select left_provider, left_key, right_provider, right_key, is_match, made_at, link_id
    from scratch.incremental.told
),

told as (
    select
        least(l.record_id, r.record_id) as one_id,
        greatest(l.record_id, r.record_id) as other_id,
        k.is_match,
    from listed as k
    inner join matchstate.records as l
        on l.provider = k.left_provider and l.provider_key = k.left_key and l.subject_key is null
    inner join matchstate.records as r
        on r.provider = k.right_provider and r.provider_key = k.right_key and r.subject_key is null
    where l.record_id <> r.record_id
    qualify
        row_number() over (
            partition by least(l.record_id, r.record_id), greatest(l.record_id, r.record_id)
            order by k.made_at desc, k.link_id desc
        ) = 1
),

weighed as (
    select
        least(p.left_id, p.right_id) as one_id,
        greatest(p.left_id, p.right_id) as other_id,
        k.match_weight as weight_now,
        w.match_weight as weight_then,
    from matchstate.pairs as p
    inner join matchstate.patterns as k on k.pattern = p.pattern
    inner join scratch.intermediate.int_pattern_weights as w on w.pattern = p.pattern
)

select
    t.is_match,
    coalesce(w.weight_now, 0) > 0 as is_found_now,
    coalesce(w.weight_then, 0) > 0 as is_found_then,
from told as t
left join weighed as w on w.one_id = t.one_id and w.other_id = t.other_id
