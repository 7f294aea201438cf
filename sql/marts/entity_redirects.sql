-- entity_redirects: one row per id that once was a published lead's and is not any more
-- grain: campaign_id, from_lead_id
-- keys: none
-- materialize: table
-- pii: none
-- why: to_lead_id is always a lead that lives, whatever came between, and null where the lead is gone; then the records
--   are kept that would bring it back. An id that lives again is not here. The state before this publish is in
--   int_published_leads, whatever the run saw when it was transformed

with params as (
    select run_id, campaign_id, as_of
    from runtime.params
),

-- ids of which most records stand behind another lead now
merged as (
    select r.home_id as lead_id, min(r.lead_id) as to_lead_id
    from candidates.lead_records as r
    inner join params as p on p.run_id = r.run_id
    where r.home_id <> ''
    group by r.home_id
),

ended as (
    select l.*, m.to_lead_id as merged_into
    from intermediate.int_published_leads as l
    left join merged as m on m.lead_id = l.lead_id
    where not exists (
        select 1
        from candidates.leads as n
        inner join params as p on p.run_id = n.run_id
        where n.lead_id = l.lead_id
    )
),

-- leads that the campaign does not want any more keep their ids
unwanted as (
    select distinct r.lead_id
    from candidates.rejected_records as r
    inner join params as p on p.run_id = r.run_id
    where r.lead_id is not null
),

-- ids that no record counts for: where most of their records went
moved as (
    select e.lead_id, r.lead_id as to_lead_id
    from ended as e
    anti join unwanted as u on u.lead_id = e.lead_id
    inner join intermediate.int_published_records as o on o.lead_id = e.lead_id
    inner join candidates.lead_records as r
        on r.provider = o.provider and r.provider_key = o.provider_key and not r.is_answer
    inner join params as p on p.run_id = r.run_id
    where e.is_living and e.merged_into is null
    group by e.lead_id, r.lead_id
    qualify row_number() over (partition by e.lead_id order by count(*) desc, min((r.provider, r.provider_key))) = 1
),

led as (
    select e.*, coalesce(e.merged_into, m.to_lead_id) as target
    from ended as e
    left join moved as m on m.lead_id = e.lead_id
),

-- an id that led to a lead which has ended leads where that one does
followed as (
    select
        l.lead_id,
        l.is_living,
        l.created_at,
        l.to_lead_id as old_target,
        l.reason,
        l.run_id,
        l.ended_at,
        coalesce(l.target, case when t.lead_id is null then l.to_lead_id else t.target end) as target,
    from led as l
    left join led as t on t.lead_id = l.to_lead_id
),

remembered as (
    select
        f.lead_id,
        list({'provider': o.provider, 'provider_key': o.provider_key} order by o.provider, o.provider_key) as records,
    from intermediate.int_published_records as o
    inner join followed as f on f.lead_id = coalesce(o.home_id, o.lead_id) and f.target is null
    group by f.lead_id
),

final as (
    select
        f.lead_id as from_lead_id,
        f.target as to_lead_id,
        f.created_at,
        r.records,
        not f.is_living and coalesce(f.old_target, '') = coalesce(f.target, '') as is_old,
        f.reason,
        f.run_id,
        f.ended_at,
    from followed as f
    left join remembered as r on r.lead_id = f.lead_id
)

select
    p.campaign_id,
    f.from_lead_id,
    f.to_lead_id,
    case when f.is_old then f.reason when f.to_lead_id is null then 'gone' else 'merge' end as reason,
    case when f.is_old then f.run_id else p.run_id end as run_id,
    case when f.is_old then f.ended_at else p.as_of end as ended_at,
    f.created_at,
    f.records,
from final as f
cross join params as p
