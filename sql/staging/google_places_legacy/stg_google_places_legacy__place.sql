-- stg_google_places_legacy__place: one row per place that a search of the current run gave
-- grain: none
-- keys: none
-- materialize: table
-- pii: name
-- why: circles beside each other give the same place; int_records_kept decides which row stands, so nothing is unique
--   here yet. A search gives neither a telephone number nor a website.

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
                "name": "VARCHAR", "formatted_address": "VARCHAR", "vicinity": "VARCHAR",
                "geometry": {"location": {"lat": "DOUBLE", "lng": "DOUBLE"}},
                "types": ["VARCHAR"], "business_status": "VARCHAR", "permanently_closed": "BOOLEAN",
                "rating": "DOUBLE", "user_ratings_total": "BIGINT"
            }'
        ) as place,
    from raw.source_records as r
    inner join runtime.params as p on p.run_id = r.run_id
    where r.adapter = 'google_places_legacy'
),

-- an address is one line: street, city, region and postal code, country; its vicinity ends with the city
parts as (
    select
        *,
        string_split(place.formatted_address, ', ') as lines,
        string_split(place.vicinity, ', ') as near,
        list_filter(place.types, lambda t: t not in ('point_of_interest', 'establishment')) as kinds,
    from records
),

american as (
    select
        *,
        len(lines) >= 3 and lines[-1] in ('USA', 'United States')
        and regexp_matches(lines[-2], '^[A-Z]{2}( [0-9]{5}(-[0-9]{4})?)?$') as is_american,
    from parts
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
        nullif(trim(place.name), '') as name,
        -- elsewhere an address has its parts in another order, and only its first one is sure to be the street
        nullif(case
            when is_american then array_to_string(lines[:-4], ', ')
            when len(lines) >= 2 then lines[1]
            when len(near) >= 2 then array_to_string(near[:-2], ', ')
        end, '') as street,
        nullif(case
            when is_american then lines[-3]
            when lines is null then near[-1]
        end, '') as city,
        case when is_american then lines[-2][:2] end as region,
        nullif(case when is_american then lines[-2][4:] end, '') as postal,
        case when len(lines) >= 2 then country_code(lines[-1]) end as country,
        place.geometry.location.lat,
        place.geometry.location.lng as lon,
        replace(kinds[1], '_', ' ') as category,
        place.rating,
        place.user_ratings_total as review_count,
        case
            when place.permanently_closed then 'closed_permanently'
            when place.business_status = 'OPERATIONAL' then 'operational'
            when place.business_status = 'CLOSED_TEMPORARILY' then 'closed_temporarily'
            when place.business_status = 'CLOSED_PERMANENTLY' then 'closed_permanently'
        end as status,
        kinds as tags,
    from american
)

select * from final
