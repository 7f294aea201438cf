-- Matched events become outcomes, each once, with the score that its lead had when it was delivered.

insert into lake.marts.outcomes by name
select
    m.outcome_id,
    m.campaign_id,
    m.lead_id,
    m.run_id,
    m.delivery_id,
    m.destination,
    m.kind,
    m.occurred_at,
    cast($1 as timestamptz) as pulled_at,
    m.detail,
    m.delivered_at,
    s.lead_score,
    s.tier,
    s.score_model,
from scratch.runtime.feedback_matched as m
left join scratch.runtime.feedback_scores as s
    on s.delivery_id = m.delivery_id and s.campaign_id = m.campaign_id and s.lead_id = m.lead_id
anti join lake.marts.outcomes as o on o.outcome_id = m.outcome_id
order by m.occurred_at, m.outcome_id
