-- merge_graph: one row per pair of records that were found to be one business
-- grain: campaign_id, left_provider, left_key, right_provider, right_key
-- keys: none
-- materialize: table
-- pii: none

select c.*
from candidates.merge_graph as c
inner join runtime.params as p on p.run_id = c.run_id
