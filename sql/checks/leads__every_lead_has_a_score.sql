-- leads__every_lead_has_a_score: a lead without a score was never seen by the scorer
-- severity: error

select l.lead_id
from marts.leads as l
inner join runtime.params as p on p.campaign_id = l.campaign_id
where l.lead_score is null or l.lead_score not between 0 and 100 or coalesce(l.tier, '') not in ('A', 'B', 'C')
