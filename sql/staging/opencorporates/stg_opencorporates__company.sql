-- stg_opencorporates__company: one row per company of a register that the current run was given
-- grain: none
-- keys: none
-- materialize: table
-- pii: none
-- why: int_records_kept decides which row stands, so nothing is unique here yet. A branch is the entry
--   of a company from elsewhere in this register: it is tagged, and its date is not the one of the founding.

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
                "name": "VARCHAR", "company_number": "VARCHAR", "jurisdiction_code": "VARCHAR",
                "incorporation_date": "VARCHAR", "dissolution_date": "VARCHAR", "inactive": "BOOLEAN",
                "branch": "VARCHAR", "number_of_employees": "VARCHAR", "restricted_for_marketing": "BOOLEAN",
                "registered_address": {
                    "street_address": "VARCHAR", "locality": "VARCHAR", "region": "VARCHAR", "postal_code": "VARCHAR",
                    "country": "VARCHAR"
                },
                "registered_address_in_full": "VARCHAR",
                "industry_codes": [{"industry_code": {"description": "VARCHAR"}}]
            }'
        ) as company,
    from raw.source_records as r
    inner join runtime.params as p on p.run_id = r.run_id
    where r.adapter = 'opencorporates'
),

-- where an address comes in one line only, an American one can be taken apart
parts as (
    select
        *,
        upper(split_part(company.jurisdiction_code, '_', 1)) as register_country,
        case
            when company.registered_address is null and company.jurisdiction_code like 'us%' then
                regexp_extract(
                    company.registered_address_in_full,
                    '^(.+?), ([^,]+), ([A-Za-z]{2}),? ([0-9]{5}(?:-[0-9]{4})?)(?:,? (?:USA?|United States))?$',
                    ['street', 'city', 'region', 'postal']
                )
        end as line,
        try_cast(company.number_of_employees as bigint) as employees,
        try_cast(left(company.incorporation_date, 4) as integer) as first_year,
        coalesce(company.branch = 'F', false) as is_branch,
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
        company.name as legal_name,
        coalesce(company.registered_address.street_address, nullif(line.street, '')) as street,
        coalesce(company.registered_address.locality, nullif(line.city, '')) as city,
        coalesce(company.registered_address.region, nullif(line.region, '')) as region,
        coalesce(company.registered_address.postal_code, nullif(line.postal, '')) as postal,
        case
            when company.registered_address.country is not null then country_code(company.registered_address.country)
            when company.registered_address is not null or line.street <> '' then register_country
        end as country,
        company.industry_codes[1].industry_code.description as category,
        -- what a register does not say (null) is not the same as that the company is active
        case
            when company.dissolution_date <> '' or company.inactive then 'closed_permanently'
            when not company.inactive then 'operational'
        end as status,
        case when employees > 0 then employees end as employees,
        employees_class(employees) as employees_range,
        case when not is_branch and first_year between 1000 and 2999 then first_year end as founded_year,
        company.company_number as registration_id,
        company.jurisdiction_code as jurisdiction,
        list_filter(
            [
                case when is_branch then 'foreign branch' end,
                case when company.restricted_for_marketing then 'restricted for marketing' end
            ],
            lambda t: t is not null
        ) as tags,
    from parts
)

select * from final
