-- stg_clearbit__company: one row per company that Clearbit, or Hunter in its format, told the current run about
-- grain: none
-- keys: none
-- materialize: table
-- pii: phone, email
-- why: int_records_kept decides which row stands, so nothing is unique here yet. Clearbit has size
--   classes of its own; those that lie within one of ours keep their meaning, the others say nothing.

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
                "name": "VARCHAR", "legalName": "VARCHAR", "domain": "VARCHAR", "phone": "VARCHAR",
                "site": {"phoneNumbers": ["VARCHAR"], "emailAddresses": ["VARCHAR"]},
                "category": {"sector": "VARCHAR", "industryGroup": "VARCHAR", "industry": "VARCHAR"},
                "tags": ["VARCHAR"], "foundedYear": "INTEGER", "tech": ["VARCHAR"],
                "geo": {
                    "streetNumber": "VARCHAR", "streetName": "VARCHAR", "subPremise": "VARCHAR",
                    "streetAddress": "VARCHAR", "city": "VARCHAR", "postalCode": "VARCHAR", "state": "VARCHAR",
                    "stateCode": "VARCHAR", "country": "VARCHAR", "countryCode": "VARCHAR",
                    "lat": "DOUBLE", "lng": "DOUBLE"
                },
                "facebook": {"handle": "VARCHAR"}, "linkedin": {"handle": "VARCHAR"}, "twitter": {"handle": "VARCHAR"},
                "metrics": {
                    "employees": "BIGINT", "employeesRange": "VARCHAR", "raised": "BIGINT", "annualRevenue": "BIGINT",
                    "estimatedAnnualRevenue": "VARCHAR"
                }
            }'
        ) as company,
    from raw.source_records as r
    inner join runtime.params as p on p.run_id = r.run_id
    where r.adapter in ('clearbit', 'hunter_companies')
),

handles as (
    select
        *,
        nullif(trim(company.linkedin.handle, ' /'), '') as linkedin_handle,
        nullif(trim(company.twitter.handle, ' /@'), '') as twitter_handle,
        nullif(trim(company.facebook.handle, ' /'), '') as facebook_handle,
        nullif(concat_ws(' ', company.geo.streetNumber, company.geo.streetName), '') as street_line,
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
        company.name,
        company.legalName as legal_name,
        coalesce(street_line || coalesce(' #' || company.geo.subPremise, ''), company.geo.streetAddress) as street,
        company.geo.city,
        coalesce(company.geo.stateCode, company.geo.state) as region,
        company.geo.postalCode as postal,
        country_code(coalesce(company.geo.countryCode, company.geo.country)) as country,
        company.geo.lat,
        company.geo.lng as lon,
        coalesce(company.phone, company.site.phoneNumbers[1]) as phone,
        'https://' || company.domain as website,
        company.site.emailAddresses[1] as email,
        coalesce(company.category.industry, company.category.industryGroup, company.category.sector) as category,
        company.metrics.employees,
        coalesce(
            employees_class(company.metrics.employees),
            case
                when company.metrics.employeesRange in (
                    '1-10', '11-50', '51-200', '201-500', '501-1000', '1001-5000', '5001-10000', '10001+'
                ) then company.metrics.employeesRange
                when company.metrics.employeesRange = '1K-5K' then '1001-5000'
                when company.metrics.employeesRange = '5K-10K' then '5001-10000'
                when company.metrics.employeesRange in ('10K-50K', '50K-100K', '100K+') then '10001+'
            end
        ) as employees_range,
        company.metrics.annualRevenue as revenue_usd,
        replace(company.metrics.estimatedAnnualRevenue, '$', '') as revenue_range,
        company.metrics.raised as funding_usd,
        company.foundedYear as founded_year,
        -- the handle has the kind of page before it: company/barlow
        'https://www.linkedin.com/' || case when not contains(linkedin_handle, '/') then 'company/' else '' end
        || linkedin_handle as linkedin,
        'https://twitter.com/' || twitter_handle as twitter,
        'https://www.facebook.com/' || facebook_handle as facebook,
        company.tags,
        company.tech as tech_signals,
    from handles
)

select * from final
