-- intermediate.int_published_records: one row per record of which the campaign's published state knows a lead. Answers
-- are left out: they follow their subject. temp.published_* are the marts, or nothing where there are none.

-- lakes of before is_answer: what stands behind several leads is an answer
create or replace temp table published_shared as
select r.provider, r.provider_key
from temp.published_lead_records as r
inner join scratch.runtime.params as p on p.campaign_id = r.campaign_id
where r.is_answer is null
group by r.provider, r.provider_key
having count(*) > 1;

create or replace table scratch.intermediate.int_published_records as
select
    r.lead_id,
    r.provider,
    r.provider_key,
    case when r.home_id is null then r.lead_id else nullif(r.home_id, '') end as home_id,
    r.own_records,
from temp.published_lead_records as r
inner join scratch.runtime.params as p on p.campaign_id = r.campaign_id
anti join temp.published_shared as s on s.provider = r.provider and s.provider_key = r.provider_key
where not coalesce(r.is_answer, false);

-- records of leads that are gone, for when they come back
create or replace temp table published_gone as
select
    e.from_lead_id as home_id,
    e.ended_at,
    unnest(e.records, recursive := true), -- noqa: AL03
from temp.published_entity_redirects as e
inner join scratch.runtime.params as p on p.campaign_id = e.campaign_id
where e.to_lead_id is null;

insert into scratch.intermediate.int_published_records by name
select g.provider, g.provider_key, g.home_id
from temp.published_gone as g
anti join scratch.intermediate.int_published_records as o on o.provider = g.provider and o.provider_key = g.provider_key
qualify row_number() over (partition by g.provider, g.provider_key order by g.ended_at desc, g.home_id asc) = 1;
