-- lead_features: one row per lead that the current run offers, as its scorer sees it
-- grain: run_id, lead_id
-- keys: none
-- materialize: table
-- pii: none

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
from intermediate.int_leads as l
cross join runtime.params as p
where l.reject_code is null
