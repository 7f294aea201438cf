-- stg_apollo__organization: one row per organization that Apollo told the current run about
-- grain: none
-- keys: none
-- materialize: table
-- pii: phone
-- why: a search gives less than an enrichment, so most columns are null for its rows; int_records_kept decides which
--   row stands, so nothing is unique here yet

with records as (
    select
        r.provider,
        r.provider_key,
        r.row_number,
        r.fetched_at,
        r.licence,
        r.content_hash,
        r.cost_micros,
        r.subject_provider,
        r.subject_key,
        json_transform(
            r.raw,
            '{
                "name": "VARCHAR", "website_url": "VARCHAR", "primary_domain": "VARCHAR", "domain": "VARCHAR",
                "primary_phone": {"number": "VARCHAR", "sanitized_number": "VARCHAR"}, "phone": "VARCHAR",
                "sanitized_phone": "VARCHAR", "linkedin_url": "VARCHAR", "twitter_url": "VARCHAR",
                "facebook_url": "VARCHAR", "founded_year": "VARCHAR", "industry": "VARCHAR",
                "industries": ["VARCHAR"], "secondary_industries": ["VARCHAR"], "keywords": ["VARCHAR"],
                "estimated_num_employees": "VARCHAR", "street_address": "VARCHAR", "city": "VARCHAR",
                "state": "VARCHAR", "postal_code": "VARCHAR", "country": "VARCHAR", "annual_revenue": "VARCHAR",
                "total_funding": "VARCHAR", "technology_names": ["VARCHAR"],
                "organization_city": "VARCHAR", "organization_state": "VARCHAR", "organization_country": "VARCHAR",
                "organization_street_address": "VARCHAR", "organization_postal_code": "VARCHAR"
            }'
        ) as org,
    from raw.source_records as r
    inner join runtime.params as p on p.run_id = r.run_id
    where r.adapter = 'apollo'
),

measured as (
    select
        *,
        nullif(try_cast(try_cast(org.estimated_num_employees as double) as bigint), 0) as employees,
        try_cast(try_cast(org.founded_year as double) as integer) as founded_year,
        coalesce(nullif(trim(org.industry), ''), nullif(trim(org.industries[1]), '')) as industry,
        list_distinct(list_filter(
            list_concat(list_concat(org.industries, org.secondary_industries), org.keywords), lambda t: t <> ''
        )) as topics,
    from records
),

final as (
    select
        provider,
        provider_key,
        row_number,
        fetched_at,
        licence,
        content_hash,
        cost_micros,
        subject_provider,
        subject_key,
        org.name,
        coalesce(nullif(org.street_address, ''), org.organization_street_address) as street,
        coalesce(nullif(org.city, ''), org.organization_city) as city,
        coalesce(nullif(org.state, ''), org.organization_state) as region,
        coalesce(nullif(org.postal_code, ''), org.organization_postal_code) as postal,
        country_code(coalesce(nullif(org.country, ''), org.organization_country)) as country,
        -- primary_phone may be an empty object
        coalesce(
            nullif(org.sanitized_phone, ''), nullif(org.primary_phone.sanitized_number, ''), nullif(org.phone, ''),
            nullif(org.primary_phone.number, '')
        ) as phone,
        coalesce(nullif(org.website_url, ''), nullif(org.primary_domain, ''), nullif(org.domain, '')) as website,
        -- industries come in lower case: "medical practice" is shown as "Medical Practice"
        array_to_string(list_transform(
            regexp_extract_all(industry, '[^ /-]+|[ /-]+'),
            lambda w: case when w in ('and', 'of') then w else upper(left(w, 1)) || substr(w, 2) end
        ), '') as category,
        employees,
        case
            when employees between 1 and 10 then '1-10'
            when employees between 11 and 50 then '11-50'
            when employees between 51 and 200 then '51-200'
            when employees between 201 and 500 then '201-500'
            when employees between 501 and 1000 then '501-1000'
            when employees between 1001 and 5000 then '1001-5000'
            when employees between 5001 and 10000 then '5001-10000'
            when employees > 10000 then '10001+'
        end as employees_range,
        try_cast(try_cast(org.annual_revenue as double) as bigint) as revenue_usd,
        case when founded_year > 0 then founded_year end as founded_year,
        try_cast(try_cast(org.total_funding as double) as bigint) as funding_usd,
        'https://' || regexp_replace(nullif(trim(org.linkedin_url), ''), '(?i)^(https?:)?//', '') as linkedin,
        'https://' || regexp_replace(nullif(trim(org.twitter_url), ''), '(?i)^(https?:)?//', '') as twitter,
        'https://' || regexp_replace(nullif(trim(org.facebook_url), ''), '(?i)^(https?:)?//', '') as facebook,
        nullif(org.technology_names, []) as tech_signals,
        nullif(list_sort(list_filter(topics, lambda t: t is distinct from industry)), []) as tags,
    from measured
)

select * from final
