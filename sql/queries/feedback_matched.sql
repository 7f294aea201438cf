-- Which lead and which delivery each event of scratch.runtime.feedback_events belongs to: by what the ledger knows,
-- else by an id that marts.deliveries has. Of several deliveries of a lead it is the latest before the event, or the
-- first. What belongs to nothing is not there.

create or replace table scratch.runtime.feedback_matched as
with accepted as (
    select
        campaign_id,
        lead_id,
        remote_id,
        delivery_id,
        run_id,
        coalesce(sent_at, accepted_at) as delivered_at,
    from lake.marts.deliveries
    where
        destination = (select any_value(destination) from scratch.runtime.feedback_events)
        and state = 'accepted' and op in ('create', 'update') and mode <> 'undo'
),

by_record as (
    select
        remote_id,
        arg_max({'campaign_id': campaign_id, 'lead_id': lead_id}, delivered_at) as lead,
    from accepted
    where remote_id is not null
    group by remote_id
),

by_lead as (
    select
        lead_id,
        arg_max({'campaign_id': campaign_id, 'lead_id': lead_id}, delivered_at) as lead,
    from accepted
    group by lead_id
),

named as (
    select
        e.event_id,
        e.destination,
        e.kind,
        e.occurred_at,
        e.detail,
        case
            when e.lead_id is not null then {'campaign_id': e.campaign_id, 'lead_id': e.lead_id}
            else coalesce(r.lead, l.lead)
        end as lead,
    from scratch.runtime.feedback_events as e
    left join by_record as r on r.remote_id = e.remote_id
    left join by_lead as l on l.lead_id = e.row_key
),

deliveries as (
    select
        n.event_id,
        coalesce(
            arg_max(
                {'delivery_id': a.delivery_id, 'run_id': a.run_id, 'delivered_at': a.delivered_at}, a.delivered_at
            ) filter (where a.delivered_at <= n.occurred_at),
            arg_min(
                {'delivery_id': a.delivery_id, 'run_id': a.run_id, 'delivered_at': a.delivered_at}, a.delivered_at
            )
        ) as delivery,
    from named as n
    inner join accepted as a on a.lead_id = n.lead.lead_id and a.campaign_id = n.lead.campaign_id
    group by n.event_id
)

select
    n.destination || '/' || n.event_id as outcome_id,
    n.event_id,
    n.lead.campaign_id,
    n.lead.lead_id,
    d.delivery.run_id,
    d.delivery.delivery_id,
    n.destination,
    n.kind,
    n.occurred_at,
    n.detail,
    d.delivery.delivered_at,
from named as n
inner join deliveries as d on d.event_id = n.event_id
