-- int_records_kept: one row per business as one provider knows it, and per subject where it was asked about one
-- grain: record_id
-- keys: none
-- materialize: table
-- pii: phone, email
-- why: record_id follows from the keys alone, so equal inputs give equal ids whatever order they came in; answers
--   come after all other records, so that none of them ever stands for a lead. Repeats of a key are left out

with repeated_keys as (
    select provider, provider_key, subject_provider, subject_key
    from intermediate.int_records_united
    group by provider, provider_key, subject_provider, subject_key
    having count(*) > 1
),

-- ranking is dear and repeats are few, so only those are ranked
kept as (
    select u.*
    from intermediate.int_records_united as u
    anti join repeated_keys as k
        on k.provider = u.provider
        and k.provider_key = u.provider_key
        and k.subject_provider is not distinct from u.subject_provider
        and k.subject_key is not distinct from u.subject_key
    union all
    select u.*
    from intermediate.int_records_united as u
    semi join repeated_keys as k
        on k.provider = u.provider
        and k.provider_key = u.provider_key
        and k.subject_provider is not distinct from u.subject_provider
        and k.subject_key is not distinct from u.subject_key
    qualify
        row_number() over (
            partition by u.provider, u.provider_key, u.subject_provider, u.subject_key
            order by u.row_number, u.fetched_at, u.content_hash
        ) = 1
),

-- a region is read by its country
placed as (
    select
        k.* replace (
            coalesce(country_code(k.country), nullif(upper(trim(k.country)), ''), p.country) as country,
            case when is_on_globe(k.lat, k.lon) then k.lat end as lat,
            case when is_on_globe(k.lat, k.lon) then k.lon end as lon
        ),
    from kept as k
    cross join runtime.params as p
),

final as (
    select
        row_number() over (
            order by subject_key is not null, provider, provider_key, subject_provider, subject_key
        ) as record_id,
        * replace (region_code(region, country) as region),
    from placed
)

select * from final
