-- What a run (first argument) merges, beside what its campaign (second) has published: records and leads of both,
-- answers left out, and how many published leads would lose their records to a lead that stands for several of them.

with now as (
    select lead_id, provider, provider_key
    from lake.candidates.lead_records
    where run_id = $1 and not is_answer
),

before as (
    select lead_id, provider, provider_key
    from temp.published_lead_records
    where campaign_id = $2 and not coalesce(is_answer, false)
),

-- of each lead that there would be: the published leads that it is made of
made as (
    select n.lead_id, count(distinct b.lead_id) as leads
    from now as n
    inner join before as b on b.provider = n.provider and b.provider_key = n.provider_key
    group by n.lead_id
)

select
    (select count(*) from now) as records,
    (select count(distinct lead_id) from now) as leads,
    (select count(*) from before) as records_before,
    (select count(distinct lead_id) from before) as leads_before,
    (select cast(coalesce(sum(leads - 1), 0) as bigint) from made) as leads_ended,
