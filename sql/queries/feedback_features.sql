-- The features of what is due to be labelled of one delivery (the variable feedback_delivery), as the lake had them
-- when the delivery began: in the snapshot of the variable feedback_version. Of a run that was built again later
-- nothing is seen.

-- noqa: disable=all
create or replace table scratch.runtime.feedback_features as
select
    d.campaign_id,
    d.delivered_at,
    cast(d.label as integer) as label,
    d.label_at,
    lead_features.*,
from lake.candidates.lead_features at (version => getvariable('feedback_version'))
inner join scratch.runtime.feedback_due as d
    on d.run_id = lead_features.run_id and d.lead_id = lead_features.lead_id
where d.is_new and d.delivery_id = getvariable('feedback_delivery')
