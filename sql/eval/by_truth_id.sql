-- Makes the tables of by_pairs.sql from the column truth_id of the Parquet file in the variable records_file: records
-- with the same one are one business, a record without one is alone. eval.degrees has a row for each group of records
-- that agree in all that counts.
-- Across: only pairs of two sources count.

create or replace table scratch.eval.truth as
with file as (
    select
        cast(source as varchar) as source,
        cast(source_key as varchar) as source_key,
        min(cast(truth_id as varchar)) as truth_id,
    from read_parquet(getvariable('records_file'))
    group by all
)

select
    r.record_id,
    r.cluster_id,
    coalesce(f.truth_id, 'record ' || r.record_id) as truth_id,
    case when o.is_across then r.source end as source,
from eval.records as r
cross join eval.options as o
left join file as f on f.source = r.source and f.source_key = r.source_key;

create or replace table scratch.eval.degrees as
with cells as (
    select cluster_id, truth_id, source, count(*) as records
    from eval.truth
    group by all
),

sizes as (
    select
        records,
        sum(records) over (partition by cluster_id, truth_id) as both_records,
        sum(records) over (partition by cluster_id) as cluster_records,
        sum(records) over (partition by truth_id) as truth_records,
        sum(records) over (partition by cluster_id, source) as cluster_source_records,
        sum(records) over (partition by truth_id, source) as truth_source_records,
    from cells
)

select
    s.records,
    s.both_records - if(o.is_across, s.records, 1) as found,
    s.cluster_records - if(o.is_across, s.cluster_source_records, 1) as predicted,
    s.truth_records - if(o.is_across, s.truth_source_records, 1) as matches,
from sizes as s
cross join eval.options as o;

create or replace table scratch.eval.counted as
select count(*) as blocked, 0 as wrong
from intermediate.int_edges as e
inner join eval.truth as l on l.record_id = e.left_id
inner join eval.truth as r on r.record_id = e.right_id
where l.truth_id = r.truth_id and coalesce(l.source <> r.source, true)
