-- What an update changes. A lead changed where it has other records than before, or one of its records has.

with before as (
    select c.cluster_id as lead_key, c.record_id
    from matchstate.clusters as c
    semi join scratch.incremental.within as w on w.record_id = c.record_id
    union all
    select c.cluster_id as lead_key, c.record_id
    from matchstate.clusters as c
    semi join scratch.incremental.gone as g on g.record_id = c.record_id
),

now as (
    select k.record_id as lead_key, r.record_id
    from scratch.intermediate.int_clusters as c
    inner join scratch.incremental.places as r on r.place = c.record_id
    inner join scratch.incremental.places as k on k.place = c.cluster_id
),

known as (
    select count(*) as records, sum(hash(record_id)) as sign
    from before
    group by lead_key
),

leads as (
    select lead_key, count(*) as records, sum(hash(record_id)) as sign
    from now
    group by lead_key
),

changed as (
    select l.lead_key
    from leads as l
    anti join known as k on k.records = l.records and k.sign = l.sign
    union
    select coalesce(n.lead_key, i.record_id) as lead_key
    from scratch.incremental.ids as i
    left join now as n on n.record_id = i.record_id
    union
    select b.record_id as lead_key -- a record that left its lead and is now alone
    from before as b
    anti join now as n on n.record_id = b.record_id
    anti join scratch.incremental.gone as g on g.record_id = b.record_id
),

about as (
    select records
    from matchstate.about
)

select
    (select records from about)
    + (select cast(coalesce(sum(cast(is_new as integer)), 0) as bigint) from scratch.incremental.ids)
    - (select count(*) from scratch.incremental.gone) as records,
    (select count(*) from scratch.incremental.ids) as fresh,
    (select count(*) from scratch.incremental.gone) as gone,
    (select count(*) from scratch.incremental.repaired) as repaired,
    (select count(*) from scratch.incremental.made) as compared,
    (select count(*) from scratch.incremental.within) as within,
    (select count(*) from changed) as leads
