-- lead_records: one row per source record behind a lead that the current run offers
-- grain: run_id, lead_id, provider, provider_key
-- keys: none
-- materialize: table
-- pii: none
-- why: an answer may stand behind each lead that it was given for; where a provider's own row is there, that one is
--   listed

select
    p.campaign_id,
    p.run_id,
    l.lead_id,
    r.provider,
    r.provider_key,
    r.content_hash,
    r.fetched_at,
    m.is_representative,
from intermediate.int_record_leads as m
inner join intermediate.int_leads as l on l.lead_key = m.lead_key
inner join intermediate.int_records_kept as r on r.record_id = m.record_id
cross join runtime.params as p
where l.reject_code is null
qualify
    r.subject_key is null
    or row_number() over (partition by l.lead_id, r.provider, r.provider_key order by m.record_id) = 1
