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
    select lead_key, field, record_id, choice_rank
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

emails as (
    select
        c.lead_key,
        list(
            {'value': r.email, 'email_domain': r.email_domain, 'provider': r.provider} order by c.choice_rank
        ) as emails,
    from choices as c
    inner join records as r on r.record_id = c.record_id
    where c.field = 'email'
    group by c.lead_key
),

seconded as (
    select
        *,
        count(distinct case when domain is not null then provider end)
            over (partition by lead_key, domain) as domain_providers,
    from records
),

-- what is gathered from all records, or taken from the first that has it
gathered as (
    select
        lead_key,
        list_sort(list(distinct name)) as names,
        list_sort(list(distinct provider)) as sources,
        list_sort(list_distinct(
            flatten([coalesce(list(distinct category), []), flatten(coalesce(list(tags), []))])
        )) as tags,
        list_sort(list(distinct domain) filter (where domain is not null)) as domains,
        count(*) as record_count,
        max(domain_providers) as domain_providers,
        bool_or(status = 'closed_permanently') as is_closed,
        first(country order by record_id) filter (where country is not null) as country,
        first(legal_name order by record_id) filter (where legal_name is not null) as legal_name,
        first(registration_id order by record_id) filter (where registration_id is not null) as registration_id,
        first(employees_range order by record_id) filter (where employees_range is not null) as employees_range,
        first(revenue_range order by record_id) filter (where revenue_range is not null) as revenue_range,
        first(founded_year order by record_id) filter (where founded_year is not null) as founded_year,
        first(linkedin order by record_id) filter (where linkedin is not null) as linkedin,
        first(twitter order by record_id) filter (where twitter is not null) as twitter,
        first(facebook order by record_id) filter (where facebook is not null) as facebook,
        first(instagram order by record_id) filter (where instagram is not null) as instagram,
    from seconded
    group by lead_key
),

final as (
    select
        gathered.lead_key,
        name_of.name,
        list_filter(gathered.names, lambda n: n <> name_of.name) as alt_names,
        gathered.legal_name,
        gathered.registration_id,
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
        gathered.linkedin,
        gathered.twitter,
        gathered.facebook,
        gathered.instagram,
        gathered.employees_range,
        gathered.revenue_range,
        gathered.founded_year,
        reviews_of.review_count,
        reviews_of.rating,
        hours_of.hours,
        gathered.tags,
        gathered.sources,
        gathered.record_count,
        gathered.is_closed,
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
)

select * from final
