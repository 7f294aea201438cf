-- stg_google_geocoding__result: one row per answer about an address or a point that the current run was given
-- grain: none
-- keys: none
-- materialize: table
-- pii: none
-- why: int_records_kept decides which row stands, so nothing is unique here yet. A record has no name:
--   it is about the lead that was asked for, as subject_key says.

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
                "address_components": [{"long_name": "VARCHAR", "short_name": "VARCHAR", "types": ["VARCHAR"]}],
                "geometry": {"location": {"lat": "DOUBLE", "lng": "DOUBLE"}, "location_type": "VARCHAR"},
                "partial_match": "BOOLEAN"
            }'
        ) as result,
    from raw.source_records as r
    inner join runtime.params as p on p.run_id = r.run_id
    where r.adapter = 'google_geocoding'
),

components as (
    select
        *,
        list_filter(
            result.address_components, lambda c: list_contains(c.types, 'street_number')
        )[1].long_name as house,
        list_filter(
            result.address_components, lambda c: list_contains(c.types, 'route')
        )[1].short_name as route,
        list_filter(
            result.address_components, lambda c: list_contains(c.types, 'locality')
        )[1].long_name as locality,
        list_filter(
            result.address_components, lambda c: list_contains(c.types, 'postal_town')
        )[1].long_name as postal_town,
        list_filter(
            result.address_components, lambda c: list_contains(c.types, 'administrative_area_level_1')
        )[1].short_name as region,
        list_filter(
            result.address_components, lambda c: list_contains(c.types, 'country')
        )[1].short_name as country,
        list_filter(
            result.address_components, lambda c: list_contains(c.types, 'postal_code')
        )[1].long_name as postal,
        list_filter(
            result.address_components, lambda c: list_contains(c.types, 'postal_code_suffix')
        )[1].long_name as postal_suffix,
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
        case when route is not null then concat_ws(' ', house, route) end as street,
        -- in the United Kingdom the town of an address is the one that the post goes by
        coalesce(locality, postal_town) as city,
        region,
        postal || coalesce('-' || postal_suffix, '') as postal,
        country,
        result.geometry.location.lat,
        result.geometry.location.lng as lon,
        -- a partial match may be another street, and an approximate place is the middle of a town
        case
            when result.partial_match or result.geometry.location_type = 'APPROXIMATE' then cast(0.4 as double)
        end as likelihood,
    from components
)

select * from final
