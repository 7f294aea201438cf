-- int_leads_merged: one row per lead of several records, each field at its golden value
-- grain: lead_key
-- keys: none
-- materialize: table
-- pii: phones, emails

with records as materialized (
    select *
    from intermediate.int_records_clean
    where lead_records > 1
),

choices as (
    select lead_key, field, record_id, value, choice_rank
    from intermediate.int_field_choices
),

golden as (
    select
        lead_key,
        max(record_id) filter (where field = 'name') as name_id,
        max(record_id) filter (where field = 'address') as address_id,
        max(record_id) filter (where field = 'geo') as geo_id,
        max(record_id) filter (where field = 'website') as website_id,
        max(record_id) filter (where field = 'reviews') as reviews_id,
        max(record_id) filter (where field = 'hours') as hours_id,
        max(record_id) filter (where field = 'registration') as registration_id,
        max(value) filter (where field = 'status') as status,
        max(value) filter (where field = 'legal_name') as legal_name,
        max(value) filter (where field = 'employees') as employees_range,
        max(value) filter (where field = 'revenue') as revenue_range,
        cast(max(value) filter (where field = 'founded_year') as integer) as founded_year,
        cast(max(value) filter (where field = 'funding') as bigint) as funding_usd,
        max(value) filter (where field = 'linkedin') as linkedin,
        max(value) filter (where field = 'twitter') as twitter,
        max(value) filter (where field = 'facebook') as facebook,
        max(value) filter (where field = 'instagram') as instagram,
    from choices
    where choice_rank = 1
    group by lead_key
),

phones as (
    select
        c.lead_key,
        list({'value': r.phone, 'type': r.phone_type, 'provider': r.provider} order by c.choice_rank) as phones,
        first(r.is_phone_toll_free order by c.choice_rank) as is_phone_toll_free,
    from choices as c
    inner join records as r on r.record_id = c.record_id
    where c.field = 'phone'
    group by c.lead_key
),

-- one record may know of an address what the one that it is taken from does not
email_facts as (
    select
        lead_key,
        email,
        bool_or(email_verified) as email_verified,
        first(email_type order by record_id) filter (where email_type is not null) as email_type,
    from records
    where email is not null
    group by lead_key, email
),

emails as (
    select
        c.lead_key,
        list(
            {
                'value': r.email,
                'email_domain': r.email_domain,
                'type': f.email_type,
                'verified': f.email_verified,
                'provider': r.provider
            }
            order by c.choice_rank
        ) as emails,
    from choices as c
    inner join records as r on r.record_id = c.record_id
    inner join email_facts as f on f.lead_key = r.lead_key and f.email = r.email
    where c.field = 'email'
    group by c.lead_key
),

seconded as (
    select
        *,
        -- who was asked by a domain says nothing new by repeating it
        count(distinct case when domain is not null and is_answer is not true then provider end)
            over (partition by lead_key, domain) as domain_providers,
    from records
),

-- what is gathered from all records
gathered as (
    select
        lead_key,
        list_sort(list(distinct name)) as names,
        list_sort(list(distinct provider)) as sources,
        list_sort(list_distinct(
            flatten([coalesce(list(distinct category), []), flatten(coalesce(list(tags), []))])
        )) as tags,
        list_sort(list_distinct(flatten(list(tech_signals) filter (where tech_signals is not null)))) as tech_signals,
        list_sort(list(distinct domain) filter (where domain is not null)) as domains,
        count(*) as record_count,
        max(domain_providers) as domain_providers,
        -- a register may know a company of that name that is gone: an answer has to win to close a lead
        bool_or(status = 'closed_permanently') filter (where is_answer is not true) as is_closed,
        first(country order by record_id) filter (where country is not null) as country,
    from seconded
    group by lead_key
),

final as (
    select
        gathered.lead_key,
        name_of.name,
        list_filter(gathered.names, lambda n: n <> name_of.name) as alt_names,
        golden.legal_name,
        registered.registration_id,
        registered.jurisdiction,
        site_of.website,
        coalesce(gathered.domains, []) as domains,
        coalesce(emails.emails, []) as emails,
        coalesce(phones.phones, []) as phones,
        phones.is_phone_toll_free,
        address_of.line1,
        address_of.city,
        address_of.region,
        address_of.postal,
        coalesce(address_of.country, gathered.country) as country,
        geo_of.lat,
        geo_of.lon,
        golden.linkedin,
        golden.twitter,
        golden.facebook,
        golden.instagram,
        golden.employees_range,
        golden.revenue_range,
        golden.founded_year,
        golden.funding_usd,
        coalesce(gathered.tech_signals, []) as tech_signals,
        golden.status,
        reviews_of.review_count,
        reviews_of.rating,
        hours_of.hours,
        gathered.tags,
        gathered.sources,
        gathered.record_count,
        gathered.is_closed or coalesce(golden.status = 'closed_permanently', false) as is_closed,
        coalesce(gathered.domain_providers, 0) > 1 as is_domain_seconded,
    from gathered
    left join golden on golden.lead_key = gathered.lead_key
    left join phones on phones.lead_key = gathered.lead_key
    left join emails on emails.lead_key = gathered.lead_key
    left join records as name_of on name_of.record_id = golden.name_id
    left join records as address_of on address_of.record_id = golden.address_id
    left join records as geo_of on geo_of.record_id = golden.geo_id
    left join records as site_of on site_of.record_id = golden.website_id
    left join records as reviews_of on reviews_of.record_id = golden.reviews_id
    left join records as hours_of on hours_of.record_id = golden.hours_id
    left join records as registered on registered.record_id = golden.registration_id
)

select * from final
