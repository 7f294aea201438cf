-- The leads of one delivery (first argument) that matched events are about, as the lake had them when the delivery
-- began: in the snapshot of the variable feedback_version.

-- noqa: disable=all
insert into scratch.runtime.feedback_scores by name
select
    $1 as delivery_id,
    leads.campaign_id,
    leads.lead_id,
    leads.lead_score,
    leads.tier,
    leads.score_model,
    list_transform(leads.emails, lambda e: e.value) as emails,
    list_transform(leads.phones, lambda p: p.value) as phones,
from lake.marts.leads at (version => getvariable('feedback_version'))
semi join scratch.runtime.feedback_matched as m
    on m.delivery_id = $1 and m.campaign_id = leads.campaign_id and m.lead_id = leads.lead_id
