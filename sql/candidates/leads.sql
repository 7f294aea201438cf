-- leads: one row per lead that the current run offers for publishing
-- grain: run_id, lead_id
-- keys: none
-- materialize: table
-- pii: emails, phones, provenance, losing_values
-- why: content_hash tells whether a lead is as it is published, but for its evidence; then updated_at stays

with choices as (
    select
        c.lead_key,
        list(
            {
                'field': c.field,
                'provider': r.provider,
                'provider_key': r.provider_key,
                'confidence': c.confidence,
                'note': case when c.votes > 1 then c.votes || ' records agree' end
            }
            order by c.field
        ) filter (where c.choice_rank = 1) as provenance,
        list(
            {
                'field': c.field,
                'value': c.value,
                'provider': r.provider,
                'provider_key': r.provider_key,
                'confidence': c.confidence
            }
            order by c.field, c.choice_rank
        ) filter (where c.choice_rank > 1) as losing_values,
    from intermediate.int_field_choices as c
    inner join intermediate.int_records_kept as r on r.record_id = c.record_id
    group by c.lead_key
),

confidence as (
    select adapter, map_from_entries(list((field, confidence))) as by_field
    from intermediate.int_field_confidence
    group by adapter
),

leads as (
    select
        l.*,
        p.run_id,
        p.campaign_id,
        p.campaign,
        p.vertical,
        p.as_of,
        r.provider,
        r.provider_key,
        c.by_field,
        h.provenance,
        h.losing_values,
        list_filter([
            {'field': 'name', 'has': l.name is not null},
            {'field': 'address', 'has': l.line1 is not null or l.city is not null},
            {'field': 'geo', 'has': l.lat is not null},
            {'field': 'phone', 'has': l.phones <> []},
            {'field': 'website', 'has': l.website is not null},
            {'field': 'email', 'has': l.emails <> []},
            {'field': 'category', 'has': l.tags <> []},
            {'field': 'reviews', 'has': l.rating is not null},
            {'field': 'hours', 'has': l.hours is not null},
            {'field': 'status', 'has': l.status is not null},
            {'field': 'legal_name', 'has': l.legal_name is not null},
            {'field': 'registration', 'has': l.registration_id is not null},
            {'field': 'employees', 'has': l.employees_range is not null},
            {'field': 'revenue', 'has': l.revenue_range is not null},
            {'field': 'founded_year', 'has': l.founded_year is not null},
            {'field': 'funding', 'has': l.funding_usd is not null},
            {'field': 'linkedin', 'has': l.linkedin is not null},
            {'field': 'twitter', 'has': l.twitter is not null},
            {'field': 'facebook', 'has': l.facebook is not null},
            {'field': 'instagram', 'has': l.instagram is not null},
            {'field': 'tech', 'has': l.tech_signals <> []}
        ], lambda f: f.has) as fields,
    from intermediate.int_leads as l
    inner join intermediate.int_records_kept as r on r.record_id = l.lead_key
    left join confidence as c on c.adapter = r.adapter
    left join choices as h on h.lead_key = l.lead_key
    cross join runtime.params as p
    where l.reject_code is null
),

shaped as (
    select
        campaign_id,
        campaign,
        run_id,
        lead_id,
        vertical,
        name,
        legal_name,
        alt_names,
        registration_id,
        case when jurisdiction is null then [] else [jurisdiction] end as jurisdictions,
        cast(null as varchar) as brand_name,
        website,
        domains,
        emails,
        phones,
        line1,
        cast(null as varchar) as line2,
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
        coalesce(tech_signals, []) as tech_signals,
        status,
        review_count,
        rating,
        cast(null as timestamptz) as last_reviewed_at,
        coalesce(hours, []) as hours,
        tags,
        sources,
        record_count,
        coalesce(provenance, list_transform(fields, lambda f: {
            'field': f.field, 'provider': provider, 'provider_key': provider_key,
            'confidence': coalesce(by_field[f.field], 0.5), 'note': cast(null as varchar)
        })) as provenance,
        coalesce(losing_values, []) as losing_values,
        as_of,
        created_at,
        published_at,
        published_hash,
    from leads
),

hashed as (
    select
        *,
        hash(
            name, legal_name, alt_names, registration_id, jurisdictions, brand_name, website, domains, emails, phones,
            line1, line2, city, region, postal, country, lat, lon, linkedin, twitter, facebook, instagram,
            employees_range, revenue_range, founded_year, funding_usd, tech_signals, status, review_count, rating,
            last_reviewed_at, hours, tags, sources, record_count
        ) as content_hash,
    from shaped
),

final as (
    select
        * exclude (as_of, published_at, published_hash),
        case when content_hash = published_hash then published_at else as_of end as updated_at,
    from hashed
)

select * from final
