-- int_records_kept: one row per business as one provider knows it; repeats of a key are left out
-- grain: record_id
-- keys: none
-- materialize: table
-- pii: phone, email
-- why: record_id follows from the keys alone, so equal inputs give equal ids whatever order they came in

with repeated_keys as (
    select provider, provider_key
    from intermediate.int_records_united
    group by provider, provider_key
    having count(*) > 1
),

-- ranking is dear and repeats are few, so only those are ranked
kept as (
    select u.*
    from intermediate.int_records_united as u
    anti join repeated_keys as k on k.provider = u.provider and k.provider_key = u.provider_key
    union all
    select u.*
    from intermediate.int_records_united as u
    semi join repeated_keys as k on k.provider = u.provider and k.provider_key = u.provider_key
    qualify
        row_number() over (
            partition by u.provider, u.provider_key
            order by u.row_number, u.fetched_at, u.content_hash
        ) = 1
),

final as (
    select
        row_number() over (order by k.provider, k.provider_key) as record_id,
        k.* replace (
            coalesce(nullif(upper(trim(k.country)), ''), p.country) as country,
            case when is_on_globe(k.lat, k.lon) then k.lat end as lat,
            case when is_on_globe(k.lat, k.lon) then k.lon end as lon
        ),
    from kept as k
    cross join runtime.params as p
)

select * from final
