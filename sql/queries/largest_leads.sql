-- The leads of a run (first argument) of more records than a number (third), the largest first, with how many records
-- the same lead has as the campaign (second) has published it, and some of its records. Answers are left out.

with now as (
    select
        lead_id,
        count(*) as records,
        array_to_string(list_slice(list(provider || ':' || provider_key order by provider, provider_key), 1, 3), ', ')
            as sample,
    from lake.candidates.lead_records
    where run_id = $1 and not is_answer
    group by lead_id
    having count(*) > $3
),

before as (
    select lead_id, count(*) as records
    from temp.published_lead_records
    where campaign_id = $2 and not coalesce(is_answer, false)
    group by lead_id
)

select
    n.lead_id,
    coalesce(l.name, '') as name,
    n.records,
    coalesce(b.records, 0) as records_before,
    n.sample,
from now as n
left join lake.candidates.leads as l on l.run_id = $1 and l.lead_id = n.lead_id
left join before as b on b.lead_id = n.lead_id
order by n.records desc, n.lead_id asc
