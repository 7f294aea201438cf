-- One row per campaign (second argument; '' for all) that knows an id (first): the lead that it is or leads to, and how
-- it ended where it did. lead_id is null where the lead is gone.

with asked as (
    select campaign_id, lead_id, null as reason, null as run_id, null as ended_at
    from temp.published_leads
    where lead_id = $1
    union all
    select campaign_id, to_lead_id, reason, run_id, ended_at
    from temp.published_entity_redirects
    where from_lead_id = $1
)

select
    a.campaign_id,
    coalesce(a.lead_id, '') as lead_id,
    coalesce(l.name, '') as name,
    coalesce(l.run_id, '') as run_id,
    l.created_at,
    l.updated_at,
    coalesce(a.reason, '') as reason,
    coalesce(a.run_id, '') as ended_run_id,
    cast(a.ended_at as timestamptz) as ended_at,
from asked as a
left join temp.published_leads as l on l.campaign_id = a.campaign_id and l.lead_id = a.lead_id
where nullif($2, '') is null or a.campaign_id = $2
order by a.campaign_id
