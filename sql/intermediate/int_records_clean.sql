-- int_records_clean: one row per record that belongs to a lead, with its contacts in standard form and its lead
-- grain: record_id
-- keys: none
-- materialize: view
-- pii: phone, email

select
    l.lead_key,
    l.lead_records,
    r.record_id,
    r.adapter,
    r.provider,
    r.provider_key,
    r.fetched_at,
    r.subject_key is not null as is_answer,
    r.likelihood,
    nullif(trim(r.name), '') as name,
    nullif(trim(r.street), '') as line1,
    nullif(trim(r.city), '') as city,
    r.region,
    nullif(trim(r.postal), '') as postal,
    r.country,
    r.lat,
    r.lon,
    c.phone,
    c.phone_type,
    c.is_phone_toll_free,
    c.website,
    c.domain,
    c.email,
    c.email_domain,
    r.email_type,
    r.email_verified,
    nullif(trim(r.category), '') as category,
    case when r.rating between 1 and 5 then r.rating end as rating,
    case when r.review_count >= 0 then r.review_count end as review_count,
    r.status,
    r.legal_name,
    r.registration_id,
    r.jurisdiction,
    coalesce(r.employees_range, employees_class(r.employees)) as employees_range,
    coalesce(r.revenue_range, revenue_class(r.revenue_usd)) as revenue_range,
    r.funding_usd,
    r.tech_signals,
    r.founded_year,
    r.linkedin,
    r.twitter,
    r.facebook,
    r.instagram,
    r.hours,
    r.tags,
from intermediate.int_records_kept as r
inner join intermediate.int_record_leads as l on l.record_id = r.record_id
left join intermediate.int_contacts as c on c.record_id = r.record_id
