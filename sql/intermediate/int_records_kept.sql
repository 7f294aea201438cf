-- int_records_kept: one row per business as one provider knows it; repeats of a key are left out
-- grain: record_id
-- keys: none
-- materialize: table
-- pii: phone, email
-- why: record_id follows from the keys alone, so equal inputs give equal ids whatever order they came in

with ranked as (
    select
        u.* replace (
            coalesce(nullif(upper(trim(u.country)), ''), p.country) as country,
            -- a point outside the globe, or at the null island, is no point
            case when u.lat between -90 and 90 and u.lon between -180 and 180 and (u.lat <> 0 or u.lon <> 0) then u.lat end as lat,
            case when u.lat between -90 and 90 and u.lon between -180 and 180 and (u.lat <> 0 or u.lon <> 0) then u.lon end as lon
        ),
    from intermediate.int_records_united as u
    cross join runtime.params as p
    qualify row_number() over (partition by u.provider, u.provider_key order by u.row_number, u.fetched_at, u.content_hash) = 1
),

final as (
    select row_number() over (order by provider, provider_key) as record_id, *
    from ranked
)

select * from final
