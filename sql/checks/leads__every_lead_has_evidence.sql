-- leads__every_lead_has_evidence: a published lead stands on at least one source record
-- severity: error

select l.lead_id
from marts.leads as l
inner join runtime.params as p on p.campaign_id = l.campaign_id
where not exists (
    select 1
    from marts.lead_records as r
    where r.campaign_id = l.campaign_id and r.lead_id = l.lead_id
)
