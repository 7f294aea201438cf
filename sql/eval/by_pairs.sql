-- Makes, from eval.records, eval.pairs and eval.options:
--   eval.listed: one row per listed pair of two records, with what is true and what the clusters say;
--   eval.degrees: for each record, with how many others it is truly one business (matches), how many share its
--     cluster (predicted), and how many do both (found);
--   eval.counted: true pairs that were compared (blocked), and listed non-matches in one cluster (wrong).
-- Across: only pairs of two sources count.

create or replace table scratch.eval.listed as
select
    least(l.record_id, r.record_id) as left_id,
    greatest(l.record_id, r.record_id) as right_id,
    bool_or(p.is_match) as is_match,
    bool_or(l.cluster_id = r.cluster_id) as is_predicted,
from eval.pairs as p
cross join eval.options as o
inner join eval.records as l on l.source = p.left_source and l.source_key = p.left_key
inner join eval.records as r on r.source = p.right_source and r.source_key = p.right_key
where l.record_id <> r.record_id and (not o.is_across or l.source <> r.source)
group by all;

create or replace table scratch.eval.degrees as
with ends as (
    select left_id as record_id, is_predicted
    from eval.listed
    where is_match
    union all
    select right_id as record_id, is_predicted
    from eval.listed
    where is_match
),

matched as (
    select record_id, count(*) as matches, count(*) filter (where is_predicted) as found
    from ends
    group by record_id
),

clustered as (
    select
        record_id,
        count(*) over (partition by cluster_id) as cluster_records,
        count(*) over (partition by cluster_id, source) as source_records,
    from eval.records
)

select
    1 as records,
    coalesce(m.found, 0) as found,
    c.cluster_records - if(o.is_across, c.source_records, 1) as predicted,
    coalesce(m.matches, 0) as matches,
from clustered as c
cross join eval.options as o
left join matched as m on m.record_id = c.record_id;

create or replace table scratch.eval.counted as
with blocked as (
    select count(*) as pairs
    from eval.listed as t
    inner join intermediate.int_edges as e on e.left_id = t.left_id and e.right_id = t.right_id
    where t.is_match
),

wrong as (
    select count(*) as pairs
    from eval.listed
    where not is_match and is_predicted
)

select b.pairs as blocked, w.pairs as wrong
from blocked as b
cross join wrong as w
