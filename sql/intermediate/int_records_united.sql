-- int_records_united: one row per record of the current run, whichever source it came from
-- grain: none
-- keys: none
-- materialize: view
-- pii: phone, email
-- why: the first part has no rows; it names what only some sources know

select
    cast(null as varchar) as adapter,
    cast(null as varchar) as subject_provider,
    cast(null as varchar) as subject_key,
    cast(null as double) as likelihood,
    cast(null as varchar) as email_type,
    cast(null as boolean) as email_verified,
    cast(null as bigint) as employees,
    cast(null as bigint) as revenue_usd,
    cast(null as bigint) as funding_usd,
    cast(null as varchar) as jurisdiction,
    cast(null as varchar[]) as tech_signals,
where false
union all by name
select 'list' as adapter, * from staging.stg_list__business
union all by name
select 'google_places' as adapter, * from staging.stg_google_places__place
union all by name
select 'google_places_legacy' as adapter, * from staging.stg_google_places_legacy__place
union all by name
select 'yelp' as adapter, * from staging.stg_yelp__business
union all by name
select 'crunchbase' as adapter, * from staging.stg_crunchbase__organization
union all by name
select 'apollo' as adapter, * from staging.stg_apollo__organization
union all by name
select 'pdl' as adapter, * from staging.stg_pdl__company
union all by name
select 'clearbit' as adapter, * from staging.stg_clearbit__company
union all by name
select 'hunter' as adapter, * from staging.stg_hunter__domain
union all by name
select 'google_geocoding' as adapter, * from staging.stg_google_geocoding__result
union all by name
select 'opencorporates' as adapter, * from staging.stg_opencorporates__company
union all by name
select 'overture' as adapter, * from staging.stg_overture__place
