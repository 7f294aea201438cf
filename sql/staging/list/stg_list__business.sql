-- stg_list__business: one row per row that a plain list gave to the current run
-- grain: none
-- keys: none
-- materialize: table
-- pii: phone, email
-- why: a list may repeat a key; int_records_kept decides which row stands, so nothing is unique here yet

with records as (
    select
        r.provider,
        r.provider_key,
        r.row_number,
        r.fetched_at,
        r.licence,
        r.content_hash,
        r.cost_micros,
        json_transform(
            r.raw,
            '{
                "name": "VARCHAR", "legal_name": "VARCHAR", "street": "VARCHAR", "city": "VARCHAR",
                "region": "VARCHAR", "postal": "VARCHAR", "country": "VARCHAR", "lat": "VARCHAR", "lon": "VARCHAR",
                "phone": "VARCHAR", "website": "VARCHAR", "email": "VARCHAR", "category": "VARCHAR",
                "rating": "VARCHAR", "review_count": "VARCHAR", "employees_range": "VARCHAR",
                "revenue_range": "VARCHAR", "founded_year": "VARCHAR", "registration_id": "VARCHAR",
                "linkedin": "VARCHAR", "twitter": "VARCHAR", "facebook": "VARCHAR", "instagram": "VARCHAR"
            }'
        ) as field,
    from raw.source_records as r
    inner join runtime.params as p on p.run_id = r.run_id
    where r.adapter = 'list'
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
        field.name,
        field.legal_name,
        field.street,
        field.city,
        field.region,
        field.postal,
        field.country,
        try_cast(field.lat as double) as lat,
        try_cast(field.lon as double) as lon,
        field.phone,
        field.website,
        field.email,
        field.category,
        try_cast(field.rating as double) as rating,
        try_cast(field.review_count as bigint) as review_count,
        cast(null as varchar) as status,
        field.employees_range,
        field.revenue_range,
        try_cast(field.founded_year as integer) as founded_year,
        field.registration_id,
        field.linkedin,
        field.twitter,
        field.facebook,
        field.instagram,
        cast(null as struct(dow integer, open varchar, close varchar)[]) as hours,
        cast(null as varchar[]) as tags,
    from records
)

select * from final
