-- int_leads: one row per lead of the current run, those that the campaign does not want included
-- grain: lead_key
-- keys: none
-- materialize: table
-- pii: phones, emails
-- why: a lead of one record takes that record's values as they are, which is most of a large list

with single as (
    select
        lead_key,
        name,
        cast([] as varchar[]) as alt_names,
        legal_name,
        registration_id,
        jurisdiction,
        website,
        case when domain is null then [] else [domain] end as domains,
        case
            when email is null then []
            else [{
                'value': email,
                'email_domain': email_domain,
                'type': email_type,
                'verified': email_verified,
                'provider': provider
            }]
        end as emails,
        case when phone is null then [] else [{'value': phone, 'type': phone_type, 'provider': provider}] end as phones,
        is_phone_toll_free,
        line1,
        city,
        region,
        postal,
        country,
        lat,
        lon,
        linkedin,
        twitter,
        facebook,
        instagram,
        employees_range,
        revenue_range,
        founded_year,
        funding_usd,
        coalesce(list_sort(list_distinct(tech_signals)), []) as tech_signals,
        status,
        review_count,
        rating,
        hours,
        list_sort(list_distinct(
            list_concat(case when category is null then [] else [category] end, coalesce(tags, []))
        )) as tags,
        [provider] as sources,
        cast(1 as bigint) as record_count,
        status = 'closed_permanently' as is_closed,
        false as is_domain_seconded,
    from intermediate.int_records_clean
    where lead_records = 1
),

leads as (
    select * from single
    union all by name
    select * from intermediate.int_leads_merged
),

placed as (
    select
        l.* exclude (emails),
        list_transform(l.emails, lambda e: {
            'value': e.value,
            'type': coalesce(e.type, case when is_role_mailbox(e.value) then 'role' else 'generic' end),
            'verified': e.verified,
            'provider': e.provider
        }) as emails,
        len(list_filter(l.emails, lambda e: list_contains(l.domains, e.email_domain))) > 0 as has_email_on_domain,
        i.lead_id,
        i.created_at,
        i.updated_at as published_at,
        i.content_hash as published_hash,
        p.min_rating,
        p.review_count_min,
        p.radius_km,
        distance_m(p.lat, p.lon, l.lat, l.lon) / 1000 as distance_km,
    from leads as l
    left join intermediate.int_lead_ids as i on i.lead_key = l.lead_key
    cross join runtime.params as p
),

final as (
    select
        * exclude (min_rating, review_count_min, radius_km),
        case
            when is_closed then 'closed'
            when distance_km > nullif(radius_km, 0) then 'outside_radius'
            when coalesce(rating, 0) < min_rating then 'below_min_rating'
            when coalesce(review_count, 0) < review_count_min then 'too_few_reviews'
        end as reject_code,
    from placed
)

select * from final
