-- int_edges: one row per pair of records that is one business
-- grain: left_id, right_id
-- keys: left_id -> intermediate.int_records_kept.record_id, right_id -> intermediate.int_records_kept.record_id
-- materialize: view
-- pii: none

select left_id, right_id, weight
from intermediate.int_pairs_weighed
where weight >= 0.7
