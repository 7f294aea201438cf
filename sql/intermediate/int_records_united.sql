-- int_records_united: one row per record of the current run, whichever source it came from
-- grain: none
-- keys: none
-- materialize: view
-- pii: phone, email

select 'list' as adapter, * from staging.stg_list__business
union all by name
select 'google_places' as adapter, * from staging.stg_google_places__place
