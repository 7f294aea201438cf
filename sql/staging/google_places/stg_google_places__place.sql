-- stg_google_places__place: one row per place that a search of the current run gave
-- grain: none
-- keys: none
-- materialize: table
-- pii: phone
-- why: neighbouring searches may give the same place, and one without an address comes with every search around it;
--   int_records_kept decides which row stands, so nothing is unique here yet

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
                "displayName": {"text": "VARCHAR"},
                "postalAddress": {
                    "regionCode": "VARCHAR", "postalCode": "VARCHAR", "administrativeArea": "VARCHAR",
                    "locality": "VARCHAR", "addressLines": ["VARCHAR"]
                },
                "addressComponents": [{"longText": "VARCHAR", "shortText": "VARCHAR", "types": ["VARCHAR"]}],
                "location": {"latitude": "DOUBLE", "longitude": "DOUBLE"},
                "nationalPhoneNumber": "VARCHAR", "internationalPhoneNumber": "VARCHAR", "websiteUri": "VARCHAR",
                "types": ["VARCHAR"], "primaryType": "VARCHAR", "primaryTypeDisplayName": {"text": "VARCHAR"},
                "businessStatus": "VARCHAR", "rating": "DOUBLE", "userRatingCount": "BIGINT",
                "regularOpeningHours": {"periods": [{
                    "open": {"day": "INTEGER", "hour": "INTEGER", "minute": "INTEGER"},
                    "close": {"day": "INTEGER", "hour": "INTEGER", "minute": "INTEGER"}
                }]}
            }'
        ) as place,
    from raw.source_records as r
    inner join runtime.params as p on p.run_id = r.run_id
    where r.adapter = 'google_places'
),

-- the components say the same as the postal address, but give the short form of a region
components as (
    select
        *,
        list_filter(place.addressComponents, lambda c: list_contains(c.types, 'street_number'))[1].longText as house,
        list_filter(place.addressComponents, lambda c: list_contains(c.types, 'route'))[1].shortText as route,
        list_filter(place.addressComponents, lambda c: list_contains(c.types, 'locality'))[1].longText as locality,
        list_filter(
            place.addressComponents, lambda c: list_contains(c.types, 'administrative_area_level_1')
        )[1].shortText as region_code,
        list_filter(
            place.addressComponents, lambda c: list_contains(c.types, 'postal_code')
        )[1].longText as postal_code,
        list_filter(place.addressComponents, lambda c: list_contains(c.types, 'country'))[1].shortText as country_code,
        place.regularOpeningHours.periods,
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
        place.displayName.text as name,
        cast(null as varchar) as legal_name,
        coalesce(
            nullif(array_to_string(place.postalAddress.addressLines, ', '), ''),
            nullif(concat_ws(' ', house, route), '')
        ) as street,
        coalesce(place.postalAddress.locality, locality) as city,
        coalesce(region_code, place.postalAddress.administrativeArea) as region,
        coalesce(place.postalAddress.postalCode, postal_code) as postal,
        coalesce(place.postalAddress.regionCode, country_code) as country,
        place.location.latitude as lat,
        place.location.longitude as lon,
        coalesce(place.internationalPhoneNumber, place.nationalPhoneNumber) as phone,
        place.websiteUri as website,
        cast(null as varchar) as email,
        coalesce(place.primaryTypeDisplayName.text, replace(place.primaryType, '_', ' ')) as category,
        place.rating,
        place.userRatingCount as review_count,
        case place.businessStatus
            when 'OPERATIONAL' then 'operational'
            when 'CLOSED_TEMPORARILY' then 'closed_temporarily'
            when 'CLOSED_PERMANENTLY' then 'closed_permanently'
        end as status,
        cast(null as varchar) as employees_range,
        cast(null as varchar) as revenue_range,
        cast(null as integer) as founded_year,
        cast(null as varchar) as registration_id,
        cast(null as varchar) as linkedin,
        cast(null as varchar) as twitter,
        cast(null as varchar) as facebook,
        cast(null as varchar) as instagram,
        -- one period without an end, from Sunday midnight, is the provider's way to say: always open
        case
            when len(periods) = 1 and periods[1].close is null then
                list_transform(range(7), lambda d: {'dow': cast(d as integer), 'open': '00:00', 'close': '24:00'})
            else
                list_transform(
                    list_filter(periods, lambda p: p.open.day between 0 and 6 and p.close is not null),
                    lambda p: {
                        'dow': p.open.day,
                        'open': format('{:02d}:{:02d}', coalesce(p.open.hour, 0), coalesce(p.open.minute, 0)),
                        'close': format('{:02d}:{:02d}', coalesce(p.close.hour, 0), coalesce(p.close.minute, 0))
                    }
                )
        end as hours,
        list_filter(place.types, lambda t: t not in ('point_of_interest', 'establishment')) as tags,
    from components
)

select * from final
