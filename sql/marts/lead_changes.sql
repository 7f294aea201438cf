-- lead_changes: one row per published lead and field whose value a publish changed
-- grain: campaign_id, run_id, lead_id, field, changed_at
-- keys: none
-- materialize: append
-- pii: old_value, new_value
-- why: the new leads are compared to those that are published until now, so publishing a run again adds nothing; a
--   campaign's first publish has nothing to compare to. A lead that came or went has the field lead

with params as (
    select run_id, campaign_id
    from runtime.params
),

sides as (
    select l.*, true as is_new
    from candidates.leads as l
    inner join params as p on p.run_id = l.run_id
    union all by name
    select l.*, false as is_new
    from marts.leads as l
    inner join params as p on p.campaign_id = l.campaign_id
),

-- most leads stay as they are: only a hash of those is made
hashed as (
    select
        lead_id,
        is_new,
        hash(
            name, legal_name, registration_id, website, phones, emails, line1, city, region, postal, country, lat, lon,
            tags, rating, review_count, status, hours, tech_signals, employees_range, revenue_range, founded_year,
            funding_usd, linkedin, twitter, facebook, instagram
        ) as row_hash,
    from sides
),

old_leads as (
    select lead_id, row_hash
    from hashed
    where not is_new
),

new_leads as (
    select lead_id, row_hash
    from hashed
    where is_new
),

touched as (
    select n.lead_id
    from new_leads as n
    inner join old_leads as o on o.lead_id = n.lead_id
    where o.row_hash <> n.row_hash
),

facts as (
    select
        s.lead_id,
        s.is_new,
        s.name,
        s.legal_name,
        s.registration_id,
        s.website,
        nullif(array_to_string(list_sort(list_transform(s.phones, lambda p: p.value)), ', '), '') as phone,
        nullif(array_to_string(list_sort(list_transform(s.emails, lambda e: e.value)), ', '), '') as email,
        nullif(concat_ws(', ', s.line1, s.city, s.region, s.postal, s.country), '') as address,
        case when s.lat is not null then concat_ws(', ', round(s.lat, 5), round(s.lon, 5)) end as geo,
        nullif(array_to_string(list_sort(s.tags), ', '), '') as category,
        cast(s.rating as varchar) as rating,
        cast(s.review_count as varchar) as review_count,
        s.status,
        case when s.hours <> [] then cast(s.hours as varchar) end as hours,
        nullif(array_to_string(list_sort(s.tech_signals), ', '), '') as tech,
        s.employees_range,
        s.revenue_range,
        cast(s.founded_year as varchar) as founded_year,
        cast(s.funding_usd as varchar) as funding,
        s.linkedin,
        s.twitter,
        s.facebook,
        s.instagram,
    from sides as s
    semi join touched as t on t.lead_id = s.lead_id
),

compared as (
    select
        n.lead_id,
        unnest([ -- noqa: AL03
            {'field': 'name', 'old_value': o.name, 'new_value': n.name},
            {'field': 'legal_name', 'old_value': o.legal_name, 'new_value': n.legal_name},
            {'field': 'registration', 'old_value': o.registration_id, 'new_value': n.registration_id},
            {'field': 'website', 'old_value': o.website, 'new_value': n.website},
            {'field': 'phone', 'old_value': o.phone, 'new_value': n.phone},
            {'field': 'email', 'old_value': o.email, 'new_value': n.email},
            {'field': 'address', 'old_value': o.address, 'new_value': n.address},
            {'field': 'geo', 'old_value': o.geo, 'new_value': n.geo},
            {'field': 'category', 'old_value': o.category, 'new_value': n.category},
            {'field': 'rating', 'old_value': o.rating, 'new_value': n.rating},
            {'field': 'review_count', 'old_value': o.review_count, 'new_value': n.review_count},
            {'field': 'status', 'old_value': o.status, 'new_value': n.status},
            {'field': 'hours', 'old_value': o.hours, 'new_value': n.hours},
            {'field': 'tech', 'old_value': o.tech, 'new_value': n.tech},
            {'field': 'employees_range', 'old_value': o.employees_range, 'new_value': n.employees_range},
            {'field': 'revenue_range', 'old_value': o.revenue_range, 'new_value': n.revenue_range},
            {'field': 'founded_year', 'old_value': o.founded_year, 'new_value': n.founded_year},
            {'field': 'funding', 'old_value': o.funding, 'new_value': n.funding},
            {'field': 'linkedin', 'old_value': o.linkedin, 'new_value': n.linkedin},
            {'field': 'twitter', 'old_value': o.twitter, 'new_value': n.twitter},
            {'field': 'facebook', 'old_value': o.facebook, 'new_value': n.facebook},
            {'field': 'instagram', 'old_value': o.instagram, 'new_value': n.instagram}
        ], recursive := true)
    from facts as n
    inner join facts as o on o.lead_id = n.lead_id and not o.is_new
    where n.is_new
),

changes as (
    select lead_id, field, old_value, new_value
    from compared
    where old_value is distinct from new_value
    union all by name
    select n.lead_id, 'lead' as field, cast(null as varchar) as old_value, 'appeared' as new_value
    from new_leads as n
    anti join old_leads as o on o.lead_id = n.lead_id
    where exists (select 1 from old_leads)
    union all by name
    select o.lead_id, 'lead' as field, cast(null as varchar) as old_value, 'vanished' as new_value
    from old_leads as o
    anti join new_leads as n on n.lead_id = o.lead_id
)

select
    p.campaign_id,
    p.run_id,
    c.lead_id,
    c.field,
    c.old_value,
    c.new_value,
    now() as changed_at,
from changes as c
cross join params as p
