-- stg_overture__place: one row per place of Overture Maps that the current run read
-- grain: none
-- keys: none
-- materialize: table
-- pii: phone, email
-- why: int_records_kept decides which row stands, so nothing is unique here yet. Releases up to August
--   2026 have categories, those from December 2025 on taxonomy.

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
                "names": {"primary": "VARCHAR"}, "brand": {"names": {"primary": "VARCHAR"}},
                "categories": {"primary": "VARCHAR", "alternate": ["VARCHAR"]},
                "taxonomy": {"primary": "VARCHAR", "alternates": ["VARCHAR"]}, "basic_category": "VARCHAR",
                "websites": ["VARCHAR"], "socials": ["VARCHAR"], "emails": ["VARCHAR"], "phones": ["VARCHAR"],
                "addresses": [{
                    "freeform": "VARCHAR", "locality": "VARCHAR", "postcode": "VARCHAR", "region": "VARCHAR",
                    "country": "VARCHAR"
                }],
                "bbox": {"xmin": "DOUBLE", "xmax": "DOUBLE", "ymin": "DOUBLE", "ymax": "DOUBLE"},
                "operating_status": "VARCHAR"
            }'
        ) as place,
    from raw.source_records as r
    inner join runtime.params as p on p.run_id = r.run_id
    where r.adapter = 'overture'
),

pages as (
    select
        *,
        place.addresses[1] as address,
        list_filter(
            place.socials, lambda s: regexp_matches(s, '(?i)^(https?:)?//([a-z-]+\.)?(linkedin)\.com/.')
        )[1] as linkedin_page,
        list_filter(
            place.socials, lambda s: regexp_matches(s, '(?i)^(https?:)?//([a-z-]+\.)?(twitter|x)\.com/.')
        )[1] as twitter_page,
        list_filter(
            place.socials, lambda s: regexp_matches(s, '(?i)^(https?:)?//([a-z-]+\.)?(facebook)\.com/.')
        )[1] as facebook_page,
        list_filter(
            place.socials, lambda s: regexp_matches(s, '(?i)^(https?:)?//([a-z-]+\.)?(instagram)\.com/.')
        )[1] as instagram_page,
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
        coalesce(place.names.primary, place.brand.names.primary) as name,
        address.freeform as street,
        address.locality as city,
        -- US-CO is CO
        regexp_replace(address.region, '^[A-Z]{2}-', '') as region,
        address.postcode as postal,
        country_code(address.country) as country,
        (place.bbox.ymin + place.bbox.ymax) / 2 as lat,
        (place.bbox.xmin + place.bbox.xmax) / 2 as lon,
        place.phones[1] as phone,
        place.websites[1] as website,
        place.emails[1] as email,
        replace(coalesce(place.categories.primary, place.taxonomy.primary, place.basic_category), '_', ' ') as category,
        case place.operating_status
            when 'open' then 'operational'
            when 'temporarily_closed' then 'closed_temporarily'
            when 'permanently_closed' then 'closed_permanently'
        end as status,
        'https:' || regexp_replace(linkedin_page, '(?i)^https?:', '') as linkedin,
        'https:' || regexp_replace(twitter_page, '(?i)^https?:', '') as twitter,
        'https:' || regexp_replace(facebook_page, '(?i)^https?:', '') as facebook,
        'https:' || regexp_replace(instagram_page, '(?i)^https?:', '') as instagram,
        coalesce(place.categories.alternate, place.taxonomy.alternates) as tags,
    from pages
)

select * from final
