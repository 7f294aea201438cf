-- int_record_leads__answers_stay_with_their_subject: an answer stands for no lead, and belongs to that of its subject
-- severity: error

select
    r.provider,
    r.provider_key,
    r.subject_provider,
    r.subject_key,
from intermediate.int_record_leads as m
inner join intermediate.int_records_kept as r on r.record_id = m.record_id and r.subject_key is not null
left join intermediate.int_records_kept as s
    on s.provider = r.subject_provider
    and s.provider_key = r.subject_key
    and s.subject_key is null
left join intermediate.int_record_leads as n on n.record_id = s.record_id
where m.is_representative or m.lead_key is distinct from n.lead_key
