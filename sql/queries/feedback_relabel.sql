-- Outcomes that became known after their lead had its label.

update lake.marts.lead_labels
set
    label = d.label,
    label_at = d.label_at
from scratch.runtime.feedback_due as d
where
    not d.is_new
    and d.campaign_id = lead_labels.campaign_id
    and d.lead_id = lead_labels.lead_id
