-- leads: one row per published lead of a campaign
-- grain: campaign_id, lead_id
-- keys: none
-- materialize: table
-- pii: emails, phones, provenance, losing_values

select
    l.* exclude (created_at, updated_at),
    s.lead_score,
    s.tier,
    s.score_explanations,
    s.score_model,
    l.created_at,
    l.updated_at,
from candidates.leads as l
inner join runtime.params as p on p.run_id = l.run_id
left join candidates.lead_scores as s on s.run_id = l.run_id and s.lead_id = l.lead_id
