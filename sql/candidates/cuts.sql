-- cuts: one row per pair of records that was to merge and that the current run kept apart
-- grain: run_id, left_provider, left_key, right_provider, right_key
-- keys: none
-- materialize: table
-- pii: none
-- why: reason is contradicting_links (people said of others what keeps these two apart), never_link, too_large (their
--   component was cut at a higher threshold) or weak_bridge (on average their leads speak against each other);
--   match_weight is null where only people wanted it. Answers are left out: they follow their subject

select
    p.campaign_id,
    p.run_id,
    l.provider as left_provider,
    l.provider_key as left_key,
    r.provider as right_provider,
    r.provider_key as right_key,
    c.match_weight,
    c.reason,
from intermediate.int_cuts as c
inner join intermediate.int_records_kept as l on l.record_id = c.left_id
inner join intermediate.int_records_kept as r on r.record_id = c.right_id
cross join runtime.params as p
where l.subject_key is null and r.subject_key is null
