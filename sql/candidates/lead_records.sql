-- lead_records: one row per source record behind a lead that the current run offers
-- grain: run_id, lead_id, provider, provider_key
-- keys: none
-- materialize: table
-- pii: none
-- why: an answer may stand behind each lead that it was given for; where a provider's own row is there, that one is
--   listed. home_id is another id that the record counts for (int_lead_ids_homed): null for its lead's own, empty for
--   none. own_records is how many records the lead has, answers left out

select
    p.campaign_id,
    p.run_id,
    l.lead_id,
    r.provider,
    r.provider_key,
    r.content_hash,
    r.fetched_at,
    m.is_representative,
    r.subject_key is not null as is_answer,
    h.home_id,
    m.own_records,
from intermediate.int_record_leads as m
inner join intermediate.int_leads as l on l.lead_key = m.lead_key
inner join intermediate.int_records_kept as r on r.record_id = m.record_id
left join intermediate.int_lead_ids_homed as h on h.record_id = m.record_id
cross join runtime.params as p
where l.reject_code is null
qualify
    r.subject_key is null
    or row_number() over (partition by l.lead_id, r.provider, r.provider_key order by m.record_id) = 1
