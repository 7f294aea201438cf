-- stg_yelp__business: one row per business that Yelp told the current run about
-- grain: none
-- keys: none
-- materialize: table
-- pii: phone
-- why: searches beside each other give the same business; int_records_kept decides which row stands, so nothing is
--   unique here yet. Yelp prints neither a website nor an e-mail address.

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
                "name": "VARCHAR", "is_closed": "VARCHAR", "phone": "VARCHAR", "display_phone": "VARCHAR",
                "rating": "VARCHAR", "review_count": "VARCHAR",
                "categories": [{"title": "VARCHAR"}],
                "coordinates": {"latitude": "DOUBLE", "longitude": "DOUBLE"},
                "location": {
                    "address1": "VARCHAR", "address2": "VARCHAR", "address3": "VARCHAR", "city": "VARCHAR",
                    "zip_code": "VARCHAR", "state": "VARCHAR", "country": "VARCHAR"
                },
                "attributes": {"business_temp_closed": "VARCHAR"},
                "business_hours": [{"hours_type": "VARCHAR", "open": [
                    {"day": "INTEGER", "start": "VARCHAR", "end": "VARCHAR"}
                ]}],
                "hours": [{"hours_type": "VARCHAR", "open": [
                    {"day": "INTEGER", "start": "VARCHAR", "end": "VARCHAR"}
                ]}]
            }'
        ) as business,
    from raw.source_records as r
    inner join runtime.params as p on p.run_id = r.run_id
    where r.adapter = 'yelp'
),

-- a search and a business's own page name the hours differently
opened as (
    select
        *,
        list_filter(
            coalesce(business.business_hours, business.hours), lambda h: coalesce(h.hours_type, 'REGULAR') = 'REGULAR'
        )[1].open as periods,
        list_filter(list_transform(business.categories, lambda c: c.title), lambda t: t <> '') as titles,
        business.location as place,
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
        business.name,
        nullif(concat_ws(
            ', ', nullif(trim(place.address1), ''), nullif(trim(place.address2), ''), nullif(trim(place.address3), '')
        ), '') as street,
        nullif(place.city, '') as city,
        nullif(place.state, '') as region,
        nullif(place.zip_code, '') as postal,
        country_code(place.country) as country,
        business.coordinates.latitude as lat,
        business.coordinates.longitude as lon,
        -- unknown is an empty text
        coalesce(nullif(business.phone, ''), nullif(business.display_phone, '')) as phone,
        titles[1] as category,
        case when try_cast(business.review_count as bigint) > 0 then try_cast(business.rating as double) end as rating,
        try_cast(business.review_count as bigint) as review_count,
        -- is_closed means for good, not at this hour
        case
            when business.is_closed = 'true' then 'closed_permanently'
            when business.attributes.business_temp_closed not in ('false', '0', '') then 'closed_temporarily'
            when business.is_closed = 'false' then 'operational'
        end as status,
        -- the provider's week begins on Monday; from 0000 to 0000 is the whole day
        list_transform(
            list_filter(
                periods,
                lambda p: p.day between 0 and 6
                and regexp_full_match(p.start, '[0-9]{4}') and regexp_full_match(p['end'], '[0-9]{4}')
            ),
            lambda p: {
                'dow': cast((p.day + 1) % 7 as integer),
                'open': left(p.start, 2) || ':' || right(p.start, 2),
                'close': case
                    when p.start = '0000' and p['end'] = '0000' then '24:00'
                    else left(p['end'], 2) || ':' || right(p['end'], 2)
                end
            }
        ) as hours,
        nullif(titles[2:], []) as tags,
    from opened
)

select * from final
