-- merge_graph: one row per pair of records that the current run found to be one business
-- grain: run_id, left_provider, left_key, right_provider, right_key
-- keys: none
-- materialize: table
-- pii: none
-- why: a provider's row and its answer about the same lead make one pair

select
    p.campaign_id,
    p.run_id,
    l.lead_id,
    a.provider as left_provider,
    a.provider_key as left_key,
    b.provider as right_provider,
    b.provider_key as right_key,
    w.weight,
    w.evidence,
    'rules' as decided_by,
from intermediate.int_edges as e
inner join intermediate.int_pairs_weighed as w on w.left_id = e.left_id and w.right_id = e.right_id
inner join intermediate.int_record_leads as m on m.record_id = e.left_id
inner join intermediate.int_leads as l on l.lead_key = m.lead_key
inner join intermediate.int_records_kept as a on a.record_id = e.left_id
inner join intermediate.int_records_kept as b on b.record_id = e.right_id
cross join runtime.params as p
where l.reject_code is null
qualify
    b.subject_key is null
    or row_number() over (
        partition by a.provider, a.provider_key, b.provider, b.provider_key
        order by e.right_id
    ) = 1
