-- Makes eval.records: one row per record with its source and its cluster.

create or replace table scratch.eval.records as
select k.record_id, c.source, c.source_key, c.cluster_id
from eval.clusters as c
inner join intermediate.int_records_kept as k on k.provider = c.source and k.provider_key = c.source_key
