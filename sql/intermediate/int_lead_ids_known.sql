-- int_lead_ids_known: one row per record of the current run of which the published state knows a lead
-- grain: record_id
-- keys: record_id -> intermediate.int_record_leads.record_id
-- materialize: table
-- pii: none
-- why: home_id is another id that a record counts for: that of the lead it came in with, also after that one was merged
--   into another, so that a merge that is taken back gives both their ids again; null where it is lead_id, empty where
--   it counts for none. A settled lead has the records that it had, no more and no less: most of them by far

with counted as ( -- by lakes that did not
    select lead_id, count(*) as records
    from intermediate.int_published_records
    where lead_id is not null and own_records is null
    group by lead_id
),

known as (
    select
        m.record_id,
        m.lead_key,
        p.lead_id,
        p.home_id,
        m.own_records as records_now,
        coalesce(p.own_records, c.records, 0) as records_then,
    from intermediate.int_published_records as p
    inner join intermediate.int_records_kept as r
        on r.provider = p.provider and r.provider_key = p.provider_key and r.subject_key is null
    inner join intermediate.int_record_leads as m on m.record_id = r.record_id
    left join counted as c on c.lead_id = p.lead_id
),

settled_keys as (
    select lead_key
    from known
    where records_now > 1 and records_now = records_then
    group by lead_key
    having count(lead_id) = any_value(records_now) and min(lead_id) = max(lead_id)
),

final as (
    select
        k.record_id,
        k.lead_key,
        k.lead_id,
        k.home_id,
        (k.records_now = 1 and k.records_then = 1) or s.lead_key is not null as is_settled,
    from known as k
    left join settled_keys as s on s.lead_key = k.lead_key
)

select * from final
