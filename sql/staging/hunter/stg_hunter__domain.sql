-- stg_hunter__domain: one row per domain that Hunter told the current run about
-- grain: none
-- keys: none
-- materialize: table
-- pii: email
-- why: int_records_kept decides which row stands, so nothing is unique here yet. A domain has many
--   addresses; one is chosen here, by the rules of ingest/hunter, which says by them whether the record gives one.

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
                "domain": "VARCHAR", "organization": "VARCHAR", "industry": "VARCHAR", "headcount": "VARCHAR",
                "street": "VARCHAR", "city": "VARCHAR", "state": "VARCHAR", "postal_code": "VARCHAR",
                "country": "VARCHAR", "linkedin": "VARCHAR", "twitter": "VARCHAR", "facebook": "VARCHAR",
                "instagram": "VARCHAR", "technologies": ["VARCHAR"],
                "emails": [{
                    "value": "VARCHAR", "type": "VARCHAR", "confidence": "DOUBLE", "verification": {"status": "VARCHAR"}
                }]
            }'
        ) as domain,
    from raw.source_records as r
    inner join runtime.params as p on p.run_id = r.run_id
    where r.adapter = 'hunter'
),

-- the best address: one that was reached, then the surest, then the one of the office; structs compare by their members
chosen as (
    select
        *,
        list_sort(list_transform(
            list_filter(
                domain.emails,
                lambda e: trim(e.value) <> '' and (
                    e.verification.status = 'valid'
                    or coalesce(e.verification.status, '') not in ('invalid', 'disposable', 'blocked')
                    and e.confidence >= 70
                )
            ),
            lambda e: {
                'is_unsure': coalesce(e.verification.status, '') <> 'valid',
                'doubt': 100 - coalesce(e.confidence, 0),
                'is_of_person': coalesce(e.type, '') <> 'generic',
                'value': trim(e.value),
                'type': e.type
            }
        ))[1] as best,
        nullif(trim(domain.linkedin, ' /'), '') as linkedin_page,
        nullif(trim(domain.twitter, ' /@'), '') as twitter_page,
        nullif(trim(domain.facebook, ' /'), '') as facebook_page,
        nullif(trim(domain.instagram, ' /@'), '') as instagram_page,
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
        domain.organization as name,
        domain.street,
        domain.city,
        domain.state as region,
        domain.postal_code as postal,
        country_code(domain.country) as country,
        'https://' || domain.domain as website,
        best.value as email,
        case when best.type in ('generic', 'personal') then best.type end as email_type,
        -- a domain that accepts every address says nothing about this one
        case when not best.is_unsure then true end as email_verified,
        domain.industry as category,
        case
            when domain.headcount in (
                '1-10', '11-50', '51-200', '201-500', '501-1000', '1001-5000', '5001-10000', '10001+'
            ) then domain.headcount
            when domain.headcount = '10000+' then '10001+'
        end as employees_range,
        -- handles, but sometimes the whole address
        case
            when contains(linkedin_page, 'linkedin.com/')
                then 'https://' || regexp_replace(linkedin_page, '^https?://', '')
            else 'https://www.linkedin.com/company/' || regexp_replace(linkedin_page, '^company/', '')
        end as linkedin,
        'https://twitter.com/' || regexp_extract(twitter_page, '[^/]+$') as twitter,
        'https://www.facebook.com/' || regexp_extract(facebook_page, '[^/]+$') as facebook,
        'https://www.instagram.com/' || regexp_extract(instagram_page, '[^/]+$') as instagram,
        domain.technologies as tech_signals,
    from chosen
)

select * from final
