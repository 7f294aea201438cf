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

-- keys are numbered, not rows: to sort those, or to rank them within a key, is dear
keys as (
    select source, source_key, min(subject_key is not null) as is_answer, count(*) as copies
    from records
    where source_key is not null
    group by source, source_key
),

numbered as (
    select source, source_key, copies, row_number() over (order by is_answer, source, source_key) as record_id
    from keys
),

placed as (
    select n.record_id, n.copies, r.*
    from records as r
    inner join numbered as n on n.source is not distinct from r.source and n.source_key = r.source_key
),

single as (
    select *
    from placed
    where copies = 1
    union all
    select *
    from placed
    where copies > 1
    qualify row_number() over (partition by record_id order by name, street, city, postal, phone, website, email) = 1
)

select
    record_id,
    'list' as adapter,
    source as provider,
    source_key as provider_key,
    name,
    street,
    city,
    region,
    postal,
    upper(country) as country,
    lat,
    lon,
    phone,
    website,
    email,
    category,
    subject_provider,
    subject_key,
    likelihood,
from single
