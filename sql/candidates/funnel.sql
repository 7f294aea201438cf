-- funnel: one row: where the rows of the current run went
-- grain: run_id
-- keys: none
-- materialize: table
-- pii: none
-- why: each number is counted from its own table, so that a lost row shows as an imbalance

with params as (
    select run_id, campaign_id, fingerprint
    from runtime.params
),

counts as (
    select
        (select count(*) from raw.source_records as s inner join params as p on p.run_id = s.run_id)
        + (select count(*) from raw.quarantine as q inner join params as p on p.run_id = q.run_id) as read,
        (
            select count(*)
            from intermediate.int_leads
            where reject_code is null
        ) as published,
        (select count(*) from raw.quarantine as q inner join params as p on p.run_id = q.run_id)
        + (select count(*) from intermediate.int_records_united) - (select count(*) from intermediate.int_records_kept)
        + (
            select count(*)
            from intermediate.int_records_kept as r
            left join intermediate.int_record_leads as m on m.record_id = r.record_id
            where r.subject_key is not null and m.record_id is null
        )
        + (
            select count(*)
            from intermediate.int_leads as l
            inner join intermediate.int_record_leads as m on m.lead_key = l.lead_key
            where l.reject_code is not null
        ) as rejected,
        (
            select count(*)
            from intermediate.int_leads as l
            inner join intermediate.int_record_leads as m on m.lead_key = l.lead_key
            where l.reject_code is null and not m.is_representative
        ) as merged,
)

select
    p.campaign_id,
    p.run_id,
    c.read,
    c.published,
    c.rejected,
    cast(0 as bigint) as suppressed,
    c.merged,
    cast(0 as bigint) as expired,
    p.fingerprint,
from counts as c
cross join params as p
