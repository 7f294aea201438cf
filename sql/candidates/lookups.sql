-- lookups: one row per lead of the current run that a provider may be asked about, where the campaign enriches
-- grain: run_id, lead_id
-- keys: none
-- materialize: table
-- pii: email, phone
-- why: a lead that is rejected only because its rating or its reviews are unknown may be saved by an answer

select
    p.campaign_id,
    p.run_id,
    l.lead_id,
    r.provider,
    r.provider_key,
    l.name,
    coalesce(list_filter(l.domains, lambda d: contains(lower(l.website), d))[1], l.domains[1]) as domain,
    l.emails[1].value as email,
    l.phones[1].value as phone,
    l.line1 as street,
    l.city,
    l.region,
    l.postal,
    l.country,
    l.lat,
    l.lon,
    l.registration_id as registration,
    l.jurisdiction,
    cast(len(l.sources) as bigint) as source_count,
    l.review_count,
    list_filter([
        if(l.website is not null, 'website', null),
        if(l.phones <> [], 'phone', null),
        if(l.emails <> [], 'email', null),
        if(l.line1 is not null, 'address', null),
        if(l.lat is not null, 'geo', null),
        if(l.tags <> [], 'category', null),
        if(l.rating is not null and l.review_count is not null, 'reviews', null),
        if(l.hours <> [], 'hours', null),
        if(l.legal_name is not null, 'legal_name', null),
        if(l.registration_id is not null, 'registration', null),
        if(l.employees_range is not null, 'employees', null),
        if(l.revenue_range is not null, 'revenue', null),
        if(l.founded_year is not null, 'founded_year', null),
        if(coalesce(l.linkedin, l.twitter, l.facebook, l.instagram) is not null, 'social', null),
        if(l.tech_signals <> [], 'tech', null),
        if(l.funding_usd is not null, 'funding', null)
    ], lambda f: f is not null) as known,
from intermediate.int_leads as l
inner join intermediate.int_records_kept as r on r.record_id = l.lead_key
cross join runtime.params as p
where
    p.is_enriching
    and (
        l.reject_code is null
        or (l.reject_code = 'below_min_rating' and l.rating is null)
        or (l.reject_code = 'too_few_reviews' and l.review_count is null)
    )
