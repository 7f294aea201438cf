-- entity_redirects__lead_to_living_leads: an id that has ended is no lead, and leads to one or to none
-- severity: error

select r.from_lead_id, r.to_lead_id
from marts.entity_redirects as r
inner join runtime.params as p on p.campaign_id = r.campaign_id
left join marts.leads as f on f.campaign_id = r.campaign_id and f.lead_id = r.from_lead_id
left join marts.leads as t on t.campaign_id = r.campaign_id and t.lead_id = r.to_lead_id
where f.lead_id is not null or (r.to_lead_id is not null and t.lead_id is null)
