-- lead_features: one row per lead that the current run offers, as its scorer sees it
-- grain: run_id, lead_id
-- keys: none
-- materialize: table
-- pii: none
-- why: nothing here is known later than the run began, so a label may be joined to the run that was delivered

select
    p.run_id,
    l.lead_id,
    p.vertical,
    l.rating,
    l.review_count,
    l.website is not null as has_website,
    l.is_domain_seconded or l.has_email_on_domain as is_domain_verified,
    coalesce(l.tech_signals, []) as tech_signals,
    l.employees_range,
    l.distance_km,
    l.has_email_on_domain,
    l.phones <> [] as has_phone,
    coalesce(l.is_phone_toll_free, false) as is_phone_toll_free,
    cast(len(l.sources) as bigint) as source_count,
    l.line1 is not null as has_address,
    coalesce(l.hours, []) <> [] as has_hours,
    l.tags[1] as category,
    l.revenue_range,
    l.funding_usd,
    year(p.as_of) - l.founded_year as age_years,
    cast(len(coalesce(l.tech_signals, [])) as bigint) as tech_count,
    cast(len(coalesce(l.emails, [])) as bigint) as email_count,
    len(list_filter(coalesce(l.emails, []), lambda e: e.verified)) > 0 as has_verified_email,
    cast(len(list_filter([l.linkedin, l.twitter, l.facebook, l.instagram], lambda s: s is not null)) as bigint)
        as social_count,
    -- a hundredth of a degree is about a kilometre: how many of the kind are round the corner
    case
        when l.lat is not null then count(*) over (partition by round(l.lat, 2), round(l.lon, 2)) - 1
    end as leads_nearby,
    -- coarse, so that a score does not change by the day
    l.published_at >= p.as_of - interval 90 days as is_changed_lately,
from intermediate.int_leads as l
cross join runtime.params as p
where l.reject_code is null
