-- one row per lead of one part, in rank order; the casts fix the types that leads.go reads
with records as (
    select
        rank,
        list(
            {'provider': provider, 'provider_key': provider_key, 'hash': content_hash, 'fetched_at': fetched_at}
            order by provider, provider_key
        ) as records,
    from read_parquet(getvariable('serving_records'))
    where provider is not null
    group by rank
)

select
    leads.rank::bigint as rank,
    leads.campaign_id::varchar as campaign_id,
    leads.run_id::varchar as run_id,
    leads.lead_id::varchar as lead_id,
    leads.vertical::varchar as vertical,
    leads.name::varchar as name,
    leads.legal_name::varchar as legal_name,
    leads.alt_names::varchar[] as alt_names,
    leads.registration_id::varchar as registration_id,
    leads.jurisdictions::varchar[] as jurisdictions,
    leads.brand_name::varchar as brand_name,
    leads.website::varchar as website,
    leads.domains::varchar[] as domains,
    leads.emails::struct(value varchar, type varchar, verified boolean, provider varchar)[] as emails,
    leads.phones::struct(value varchar, type varchar, provider varchar)[] as phones,
    leads.line1::varchar as line1,
    leads.line2::varchar as line2,
    leads.city::varchar as city,
    leads.region::varchar as region,
    leads.postal::varchar as postal,
    leads.country::varchar as country,
    leads.lat::double as lat,
    leads.lon::double as lon,
    leads.linkedin::varchar as linkedin,
    leads.twitter::varchar as twitter,
    leads.facebook::varchar as facebook,
    leads.instagram::varchar as instagram,
    leads.employees_range::varchar as employees_range,
    leads.revenue_range::varchar as revenue_range,
    leads.founded_year::bigint as founded_year,
    leads.tech_signals::varchar[] as tech_signals,
    leads.review_count::bigint as review_count,
    leads.rating::double as rating,
    leads.last_reviewed_at::timestamptz as last_reviewed_at,
    leads.hours::struct(dow bigint, open varchar, close varchar)[] as hours,
    leads.tags::varchar[] as tags,
    leads.sources::varchar[] as sources,
    leads.lead_score::bigint as lead_score,
    leads.tier::varchar as tier,
    leads.score_explanations::varchar[] as score_explanations,
    leads.score_model::varchar as score_model,
    leads.provenance::struct(
        field varchar, provider varchar, provider_key varchar, confidence double, note varchar
    )[] as provenance,
    leads.losing_values::struct(
        field varchar, value varchar, provider varchar, provider_key varchar, confidence double
    )[] as losing_values,
    leads.created_at::timestamptz as created_at,
    leads.updated_at::timestamptz as updated_at,
    records.records::struct(
        provider varchar, provider_key varchar, hash varchar, fetched_at timestamptz
    )[] as records,
from read_parquet(getvariable('serving_leads')) as leads
left join records using (rank)
order by leads.rank
