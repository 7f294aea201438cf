-- intermediate.int_published_leads: one row per lead id that the campaign's published state knows: those that live, and
-- those that have ended. temp.published_* are the marts, or nothing where there are none.

create or replace table scratch.intermediate.int_published_leads as
select
    l.lead_id,
    true as is_living,
    l.created_at,
    l.updated_at,
    l.content_hash,
    cast(null as varchar) as to_lead_id,
    cast(null as varchar) as reason,
    cast(null as varchar) as run_id,
    cast(null as timestamptz) as ended_at,
from temp.published_leads as l
inner join scratch.runtime.params as p on p.campaign_id = l.campaign_id
union all by name
select
    e.from_lead_id as lead_id,
    false as is_living,
    e.created_at,
    cast(null as timestamptz) as updated_at,
    cast(null as ubigint) as content_hash,
    e.to_lead_id,
    e.reason,
    e.run_id,
    e.ended_at,
from temp.published_entity_redirects as e
inner join scratch.runtime.params as p on p.campaign_id = e.campaign_id
