-- Makes eval.clusters: one row per record with its cluster.

create or replace table scratch.eval.clusters as
select
    r.provider as source,
    r.provider_key as source_key,
    coalesce(c.cluster_id, r.record_id) as cluster_id,
from intermediate.int_records_kept as r
left join intermediate.int_clusters as c on c.record_id = r.record_id
order by r.record_id
