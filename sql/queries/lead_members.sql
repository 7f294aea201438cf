-- The records behind a lead (second argument) of a campaign (first): the one that stands for it, then the others.

select
    provider,
    provider_key,
    coalesce(is_representative, false) as is_representative,
    coalesce(is_answer, false) as is_answer,
    fetched_at,
from temp.published_lead_records
where campaign_id = $1 and lead_id = $2
order by coalesce(is_representative, false) desc, coalesce(is_answer, false) asc, provider asc, provider_key asc
