-- Counts true positives, false positives and false negatives of eval.clusters
-- (source, source_key, cluster_id) against eval.pairs (left_source, left_key,
-- right_source, right_key, is_match), under eval.options (is_complete,
-- is_across).
--
-- Labelled pairs: only the listed pairs count. Complete: every pair of records
-- that is not listed is a non-match. Across: only pairs of two sources count.

with options as (
    select is_complete, is_across
    from eval.options
),

records as (
    select row_number() over (order by source, source_key) as record_id, source, source_key, cluster_id
    from eval.clusters
),

listed as (
    select
        least(l.record_id, r.record_id) as left_id,
        greatest(l.record_id, r.record_id) as right_id,
        bool_or(p.is_match) as is_match,
        bool_or(l.cluster_id = r.cluster_id) as is_predicted,
    from eval.pairs as p
    cross join options as o
    inner join records as l on l.source = p.left_source and l.source_key = p.left_key
    inner join records as r on r.source = p.right_source and r.source_key = p.right_key
    where l.record_id <> r.record_id and (not o.is_across or l.source <> r.source)
    group by all
),

predicted as (
    select l.record_id as left_id, r.record_id as right_id
    from records as l
    cross join options as o
    inner join records as r on r.cluster_id = l.cluster_id and l.record_id < r.record_id
    where o.is_complete and (not o.is_across or l.source <> r.source)
),

unlisted as (
    select count(*) as pairs
    from predicted as p
    left join listed as t on t.left_id = p.left_id and t.right_id = p.right_id
    where t.left_id is null
)

select
    count(*) filter (where is_match and is_predicted) as true_positives,
    count(*) filter (where not is_match and is_predicted) + (select pairs from unlisted) as false_positives,
    count(*) filter (where is_match and not is_predicted) as false_negatives,
from listed
