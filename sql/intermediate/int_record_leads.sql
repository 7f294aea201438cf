-- int_record_leads: one row per record that belongs to a lead
-- grain: record_id
-- keys: record_id -> intermediate.int_records_kept.record_id
-- materialize: table
-- pii: none
-- why: the record with the smallest key stands for the lead and gives it its id; an answer that does not fit its
--   subject belongs to none

with grouped as (
    select
        r.record_id,
        coalesce(c.cluster_id, r.record_id) as lead_key,
    from intermediate.int_records_kept as r
    left join intermediate.int_clusters as c on c.record_id = r.record_id
    where r.subject_key is null or c.record_id is not null
),

final as (
    select
        record_id,
        lead_key,
        record_id = lead_key as is_representative,
        count(*) over (partition by lead_key) as lead_records,
    from grouped
)

select * from final
