-- stg_pdl__company: one row per company that People Data Labs told the current run about
-- grain: none
-- keys: none
-- materialize: table
-- pii: none
-- why: int_records_kept decides which row stands, so nothing is unique here yet. A field that the plan lacks may come
--   as true instead of its value, so every scalar is read as text and then cast.

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
                "name": "VARCHAR", "display_name": "VARCHAR", "size": "VARCHAR", "employee_count": "VARCHAR",
                "founded": "VARCHAR", "industry": "VARCHAR", "website": "VARCHAR", "linkedin_url": "VARCHAR",
                "twitter_url": "VARCHAR", "facebook_url": "VARCHAR", "tags": ["VARCHAR"], "likelihood": "VARCHAR",
                "inferred_revenue": "VARCHAR", "total_funding_raised": "VARCHAR",
                "location": {
                    "street_address": "VARCHAR", "locality": "VARCHAR", "region": "VARCHAR", "postal_code": "VARCHAR",
                    "country": "VARCHAR", "geo": "VARCHAR"
                }
            }'
        ) as company,
    from raw.source_records as r
    inner join runtime.params as p on p.run_id = r.run_id
    where r.adapter = 'pdl'
),

-- texts come in lower case; these are the ones that people read. Words are cut at spaces, hyphens and slashes.
shown as (
    select
        *,
        list_transform(
            [
                company.name, company.industry, company.location.street_address, company.location.locality,
                company.location.region
            ],
            lambda s: array_to_string(list_transform(
                regexp_extract_all(case when s not in ('', 'true', 'false') then s end, '[^ /-]+|[ /-]+'),
                lambda w: case
                    when w in ('llc', 'llp', 'lp', 'pllc', 'plc', 'pc', 'usa', 'hvac') then upper(w)
                    when w in ('and', 'of', 'the', 'for', 'in', 'at') then w
                    else upper(left(w, 1)) || substr(w, 2)
                end
            ), '')
        ) as titled,
        list_transform(
            [
                company.display_name, company.website, company.linkedin_url, company.twitter_url, company.facebook_url,
                company.inferred_revenue, company.location.postal_code
            ],
            lambda s: case when s not in ('', 'true', 'false') then s end
        ) as texts,
        try_cast(try_cast(company.employee_count as double) as bigint) as employees,
        string_split(company.location.geo, ',') as geo,
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
        -- the display name has capitals where the provider knows them
        case
            when texts[1] <> lower(texts[1]) then texts[1]
            else upper(left(titled[1], 1)) || substr(titled[1], 2)
        end as name,
        titled[3] as street,
        titled[4] as city,
        titled[5] as region,
        upper(texts[7]) as postal,
        country_code(company.location.country) as country,
        case when len(geo) = 2 then try_cast(geo[1] as double) end as lat,
        case when len(geo) = 2 then try_cast(geo[2] as double) end as lon,
        texts[2] as website,
        titled[2] as category,
        case when employees > 0 then employees end as employees,
        case
            when company.size in (
                '1-10', '11-50', '51-200', '201-500', '501-1000', '1001-5000', '5001-10000', '10001+'
            ) then company.size
            when employees between 1 and 10 then '1-10'
            when employees between 11 and 50 then '11-50'
            when employees between 51 and 200 then '51-200'
            when employees between 201 and 500 then '201-500'
            when employees between 501 and 1000 then '501-1000'
            when employees between 1001 and 5000 then '1001-5000'
            when employees between 5001 and 10000 then '5001-10000'
            when employees > 10000 then '10001+'
        end as employees_range,
        replace(texts[6], '$', '') as revenue_range,
        try_cast(left(company.founded, 4) as integer) as founded_year,
        try_cast(try_cast(company.total_funding_raised as double) as bigint) as funding_usd,
        'https://' || regexp_replace(texts[3], '(?i)^(https?:)?//', '') as linkedin,
        'https://' || regexp_replace(texts[4], '(?i)^(https?:)?//', '') as twitter,
        'https://' || regexp_replace(texts[5], '(?i)^(https?:)?//', '') as facebook,
        case
            when try_cast(company.likelihood as double) between 0 and 10
                then try_cast(company.likelihood as double) / 10
        end as likelihood,
        nullif(
            list_filter(company.tags, lambda t: t <> '' and t is distinct from company.industry), []
        ) as tags,
    from shown
)

select * from final
