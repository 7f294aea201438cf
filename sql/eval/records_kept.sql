-- Makes intermediate.int_records_kept from the Parquet file in the variable
-- records_file, whose columns may be any part of those named here.

create or replace table scratch.intermediate.int_records_kept as
with shape as (
    select
        cast(null as varchar) as source,
        cast(null as varchar) as source_key,
        cast(null as varchar) as name,
        cast(null as varchar) as street,
        cast(null as varchar) as city,
        cast(null as varchar) as region,
        cast(null as varchar) as postal,
        cast(null as varchar) as country,
        cast(null as double) as lat,
        cast(null as double) as lon,
        cast(null as varchar) as phone,
        cast(null as varchar) as website,
        cast(null as varchar) as email,
        cast(null as varchar) as category,
        cast(null as varchar) as subject_provider,
        cast(null as varchar) as subject_key,
        cast(null as double) as likelihood,
    where false
),

records as (
    select * from shape
    union all by name
    select * from read_parquet(getvariable('records_file'))
),

repeated as (
    select source, source_key
    from records
    group by source, source_key
    having count(*) > 1
),

-- ranking whole rows is dear and repeats are few, so only those are ranked
single as (
    select r.*
    from records as r
    anti join repeated as k on k.source is not distinct from r.source and k.source_key = r.source_key
    where r.source_key is not null
    union all
    select r.*
    from records as r
    semi join repeated as k on k.source is not distinct from r.source and k.source_key = r.source_key
    qualify
        row_number() over (
            partition by r.source, r.source_key
            order by r.name, r.street, r.city, r.postal, r.phone, r.website, r.email
        ) = 1
),

-- for the same reason keys are numbered, not rows
numbered as (
    select
        source,
        source_key,
        row_number() over (order by subject_key is not null, source, source_key) as record_id,
    from single
)

select
    n.record_id,
    'list' as adapter,
    s.source as provider,
    s.source_key as provider_key,
    s.name,
    s.street,
    s.city,
    s.region,
    s.postal,
    upper(s.country) as country,
    s.lat,
    s.lon,
    s.phone,
    s.website,
    s.email,
    s.category,
    s.subject_provider,
    s.subject_key,
    s.likelihood,
from single as s
inner join numbered as n on n.source is not distinct from s.source and n.source_key = s.source_key
