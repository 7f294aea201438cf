-- Delivered leads whose window (the variable feedback_window, in hours) is over, with their label, where
-- temp.known_labels does not say so yet. A lead counts from its first delivery to a destination that tells what becomes
-- of leads; those are the rows of scratch.runtime.feedback_observed, with the time until which that is known. All
-- before the delivery and all after the window is no part of a label.

create or replace table scratch.runtime.feedback_due as
with delivered as (
    select
        d.campaign_id,
        d.lead_id,
        arg_min(
            {
                'delivery_id': d.delivery_id,
                'run_id': d.run_id,
                'delivered_at': coalesce(d.sent_at, d.accepted_at),
                'observed_at': o.observed_at
            },
            (coalesce(d.sent_at, d.accepted_at), d.delivery_id)
        ) as first_delivery,
    from lake.marts.deliveries as d
    inner join scratch.runtime.feedback_observed as o on o.destination = d.destination
    where d.state = 'accepted' and d.op in ('create', 'update') and d.mode <> 'undo'
    group by d.campaign_id, d.lead_id
),

complete as (
    select
        campaign_id,
        lead_id,
        first_delivery.run_id,
        first_delivery.delivery_id,
        first_delivery.delivered_at,
        first_delivery.delivered_at + to_hours(getvariable('feedback_window')) as closed_at,
    from delivered
    where first_delivery.observed_at >= first_delivery.delivered_at + to_hours(getvariable('feedback_window'))
),

conversions as (
    select c.campaign_id, c.lead_id, min(o.occurred_at) as label_at
    from complete as c
    inner join lake.marts.outcomes as o on o.campaign_id = c.campaign_id and o.lead_id = c.lead_id
    where
        o.kind in ('qualified', 'opportunity', 'won')
        and o.occurred_at >= c.delivered_at and o.occurred_at < c.closed_at
    group by c.campaign_id, c.lead_id
),

labelled as (
    select
        c.campaign_id,
        c.lead_id,
        c.run_id,
        c.delivery_id,
        c.delivered_at,
        case when v.lead_id is null then 0 else 1 end as label,
        v.label_at,
    from complete as c
    left join conversions as v on v.campaign_id = c.campaign_id and v.lead_id = c.lead_id
)

select
    n.*,
    l.lead_id is null as is_new,
from labelled as n
left join temp.known_labels as l on l.campaign_id = n.campaign_id and l.lead_id = n.lead_id
where l.lead_id is null or l.label <> n.label
