-- The ids of a campaign (first argument) that lead to a lead (second), the oldest first.

select
    from_lead_id,
    coalesce(reason, '') as reason,
    coalesce(run_id, '') as run_id,
    ended_at,
from temp.published_entity_redirects
where campaign_id = $1 and to_lead_id = $2
order by ended_at, from_lead_id
