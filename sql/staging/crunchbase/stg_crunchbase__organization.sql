-- stg_crunchbase__organization: one row per organization that Crunchbase told the current run about
-- grain: none
-- keys: none
-- materialize: table
-- pii: phone, email
-- why: int_records_kept decides which row stands, so nothing is unique here yet. A place is a city and what it lies in:
--   there is no street.

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
            '{"properties": {
                "identifier": {"value": "VARCHAR"}, "name": "VARCHAR", "legal_name": "VARCHAR",
                "website": {"value": "VARCHAR"}, "website_url": "VARCHAR", "linkedin": {"value": "VARCHAR"},
                "twitter": {"value": "VARCHAR"}, "facebook": {"value": "VARCHAR"}, "phone_number": "VARCHAR",
                "contact_email": "VARCHAR", "operating_status": "VARCHAR", "status": "VARCHAR",
                "num_employees_enum": "VARCHAR", "revenue_range": "VARCHAR",
                "location_identifiers": [{"value": "VARCHAR", "location_type": "VARCHAR"}],
                "categories": [{"value": "VARCHAR"}], "category_groups": [{"value": "VARCHAR"}],
                "founded_on": {"value": "VARCHAR", "precision": "VARCHAR"},
                "funding_total": {"value": "VARCHAR", "currency": "VARCHAR", "value_usd": "VARCHAR"}
            }}'
        ).properties as org,
    from raw.source_records as r
    inner join runtime.params as p on p.run_id = r.run_id
    where r.adapter = 'crunchbase'
),

located as (
    select
        *,
        list_filter(org.location_identifiers, lambda l: l.location_type = 'city')[1].value as city,
        list_filter(org.location_identifiers, lambda l: l.location_type = 'region')[1].value as region,
        list_filter(org.location_identifiers, lambda l: l.location_type = 'country')[1].value as country,
        -- a category is narrow, a group is what it falls in
        list_distinct(list_filter(
            list_concat(
                list_transform(org.categories, lambda c: c.value),
                list_transform(org.category_groups, lambda c: c.value)
            ),
            lambda c: c <> ''
        )) as groups,
        coalesce(
            list_filter(list_transform(org.categories, lambda c: c.value), lambda c: c <> '')[1],
            list_filter(list_transform(org.category_groups, lambda c: c.value), lambda c: c <> '')[1]
        ) as category,
        nullif(lower(trim(org.contact_email)), '') as email,
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
        coalesce(nullif(org.identifier.value, ''), org.name) as name,
        org.legal_name,
        city,
        region,
        country_code(country) as country,
        org.phone_number as phone,
        coalesce(nullif(org.website_url, ''), org.website.value) as website,
        email,
        -- the company's address, never a person's
        case when email is not null then 'generic' end as email_type,
        category,
        case
            when org.operating_status = 'closed' or org.status = 'closed' then 'closed_permanently'
            when org.operating_status = 'active' or org.status in ('operating', 'ipo') then 'operational'
        end as status,
        -- some bands of the provider lie across two of ours; the one with the larger part stands
        case org.num_employees_enum
            when 'c_00001_00010' then '1-10'
            when 'c_00011_00050' then '11-50'
            when 'c_00051_00100' then '51-200'
            when 'c_00101_00250' then '51-200'
            when 'c_00251_00500' then '201-500'
            when 'c_00501_01000' then '501-1000'
            when 'c_01001_05000' then '1001-5000'
            when 'c_05001_10000' then '5001-10000'
            when 'c_10001_max' then '10001+'
        end as employees_range,
        -- named by their lower end, in thousands of US dollars
        case org.revenue_range
            when 'r_00000000' then '0-1M'
            when 'r_00001000' then '1M-10M'
            when 'r_00010000' then '10M-50M'
            when 'r_00050000' then '50M-100M'
            when 'r_00100000' then '100M-500M'
            when 'r_00500000' then '500M-1B'
            when 'r_01000000' then '1B-10B'
            when 'r_10000000' then '10B+'
        end as revenue_range,
        -- a date of precision "none" is a placeholder
        case
            when org.founded_on.precision in ('year', 'month', 'day')
                then try_cast(left(org.founded_on.value, 4) as integer)
        end as founded_year,
        try_cast(coalesce(
            org.funding_total.value_usd,
            case when upper(org.funding_total.currency) = 'USD' then org.funding_total.value end
        ) as bigint) as funding_usd,
        'https://' || regexp_replace(nullif(trim(org.linkedin.value), ''), '(?i)^(https?:)?//', '') as linkedin,
        'https://' || regexp_replace(nullif(trim(org.twitter.value), ''), '(?i)^(https?:)?//', '') as twitter,
        'https://' || regexp_replace(nullif(trim(org.facebook.value), ''), '(?i)^(https?:)?//', '') as facebook,
        nullif(list_sort(list_filter(groups, lambda g: g is distinct from category)), []) as tags,
    from located
)

select * from final
