-- runs__published_is_what_leads_hold: the funnel and the table of leads agree
-- severity: error

with held as (
    select l.campaign_id, count(*) as leads
    from marts.leads as l
    inner join runtime.params as p on p.campaign_id = l.campaign_id
    group by l.campaign_id
)

select r.campaign_id, r.published, h.leads
from marts.runs as r
inner join runtime.params as p on p.campaign_id = r.campaign_id
left join held as h on h.campaign_id = r.campaign_id
where r.published <> coalesce(h.leads, 0)
