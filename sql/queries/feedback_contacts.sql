-- How people who have opted out can be reached: what was delivered of them, and what is published now.

with opted_out as (
    select campaign_id, lead_id, max(occurred_at) as occurred_at
    from scratch.runtime.feedback_matched
    where kind = 'opted_out'
    group by campaign_id, lead_id
),

contacts as (
    select campaign_id, lead_id, emails, phones
    from scratch.runtime.feedback_scores
    union all by name
    select
        campaign_id,
        lead_id,
        list_transform(emails, lambda e: e.value) as emails,
        list_transform(phones, lambda p: p.value) as phones,
    from lake.marts.leads
)

select
    o.lead_id,
    cast(to_json(list_distinct(coalesce(flatten(list(c.emails)), []))) as varchar) as emails,
    cast(to_json(list_distinct(coalesce(flatten(list(c.phones)), []))) as varchar) as phones,
    max(o.occurred_at) as occurred_at,
from opted_out as o
inner join contacts as c on c.campaign_id = o.campaign_id and c.lead_id = o.lead_id
group by o.lead_id
