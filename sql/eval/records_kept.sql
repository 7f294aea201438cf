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

kept as (
    select
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
    from records
    where source_key is not null
    qualify
        row_number() over (
            partition by source, source_key
            order by name, street, city, postal, phone, website, email
        ) = 1
)

select row_number() over (order by provider, provider_key) as record_id, *
from kept
