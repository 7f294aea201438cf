-- int_edges: one row per compared pair; positive where merging pays, negative where it does not
-- grain: left_id, right_id
-- keys: left_id -> intermediate.int_records_kept.record_id, right_id -> intermediate.int_records_kept.record_id
-- materialize: view
-- pii: none

select c.left_id, c.right_id, w.match_weight
from intermediate.int_pairs_compared as c
inner join intermediate.int_pattern_weights as w on w.pattern = c.pattern
