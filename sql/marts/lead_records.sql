-- lead_records: one row per source record behind a published lead
-- grain: campaign_id, lead_id, provider, provider_key
-- keys: none
-- materialize: table
-- pii: none

select c.*
from candidates.lead_records as c
inner join runtime.params as p on p.run_id = c.run_id
