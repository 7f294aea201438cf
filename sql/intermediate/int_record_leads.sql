-- int_record_leads: one row per record that belongs to a lead
-- grain: record_id
-- keys: record_id -> intermediate.int_records_kept.record_id
-- materialize: table
-- pii: none
-- why: the record with the smallest key stands for the lead; an answer that does not fit its subject belongs to none.
--   own_records leaves answers out. Most records match no other, so only clusters are counted

with clustered as (
    select
        c.record_id,
        c.cluster_id,
        count(*) over (partition by c.cluster_id) as lead_records,
        count(*) filter (where r.subject_key is null) over (partition by c.cluster_id) as own_records,
    from intermediate.int_clusters as c
    inner join intermediate.int_records_kept as r on r.record_id = c.record_id
),

final as (
    select
        r.record_id,
        coalesce(c.cluster_id, r.record_id) as lead_key,
        r.record_id = coalesce(c.cluster_id, r.record_id) as is_representative,
        coalesce(c.lead_records, 1) as lead_records,
        coalesce(c.own_records, 1) as own_records,
    from intermediate.int_records_kept as r
    left join clustered as c on c.record_id = r.record_id
    where r.subject_key is null or c.record_id is not null
)

select * from final
