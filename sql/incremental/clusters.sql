-- Makes eval.clusters from the state: one row per record with its cluster.

create or replace table scratch.eval.clusters as
select
    r.provider as source,
    r.provider_key as source_key,
    coalesce(c.cluster_id, r.record_id) as cluster_id,
from matchstate.records as r
left join matchstate.clusters as c on c.record_id = r.record_id
