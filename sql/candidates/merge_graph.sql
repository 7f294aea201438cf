-- merge_graph: one row per pair of records that the current run found to be one business, or was told so
-- grain: run_id, left_provider, left_key, right_provider, right_key
-- keys: none
-- materialize: table
-- pii: none
-- why: model and pattern say what the pair weighs and why: pattern is its levels (int_pairs_compared), whose weights in
--   that run are in match_weights. A provider's row and its answer about the same lead make one pair. A pair that a
--   person linked is that person's, whatever it weighs; pairs that are kept apart, by a person or by clustering, are
--   none. Links are decided when they were made, all else by each run anew

with matched as (
    select
        w.left_id,
        w.right_id,
        w.pattern,
        w.match_weight,
        w.probability,
        w.evidence,
        'model' as decided_by,
    from intermediate.int_edges as e
    inner join intermediate.int_pairs_weighed as w on w.left_id = e.left_id and w.right_id = e.right_id
    where e.match_weight > 0
),

linked as (
    select left_id, right_id, 'person:' || who as decided_by, link_id, why, made_at
    from intermediate.int_links
    where is_match
),

pairs as (
    select
        coalesce(m.left_id, l.left_id) as left_id,
        coalesce(m.right_id, l.right_id) as right_id,
        m.pattern,
        m.match_weight,
        m.probability,
        coalesce(m.evidence, []) as evidence,
        coalesce(l.decided_by, m.decided_by) as decided_by,
        l.link_id,
        l.why,
        l.made_at,
    from matched as m
    full outer join linked as l on l.left_id = m.left_id and l.right_id = m.right_id
)

select
    p.campaign_id,
    p.run_id,
    l.lead_id,
    a.provider as left_provider,
    a.provider_key as left_key,
    b.provider as right_provider,
    b.provider_key as right_key,
    e.match_weight,
    e.probability,
    e.evidence,
    e.decided_by,
    case when e.pattern is not null then v.version end as model,
    e.pattern,
    coalesce(e.made_at, p.as_of) as decided_at,
    e.link_id,
    e.why,
from pairs as e
inner join intermediate.int_record_leads as m on m.record_id = e.left_id
inner join intermediate.int_record_leads as n on n.record_id = e.right_id and n.lead_key = m.lead_key
inner join intermediate.int_leads as l on l.lead_key = m.lead_key
inner join intermediate.int_records_kept as a on a.record_id = e.left_id
inner join intermediate.int_records_kept as b on b.record_id = e.right_id
cross join intermediate.int_match_model as v
cross join runtime.params as p
where l.reject_code is null
qualify
    b.subject_key is null
    or row_number() over (
        partition by a.provider, a.provider_key, b.provider, b.provider_key
        order by e.right_id
    ) = 1
