-- int_pairs_weighed: one row per compared pair with its match weight
-- grain: left_id, right_id
-- keys: none
-- materialize: view
-- pii: none
-- why: match_weight is in bits (log2 odds); 0 is even odds

select
    c.left_id,
    c.right_id,
    c.pattern,
    w.match_weight,
    1 / (1 + power(2, -w.match_weight)) as probability,
    w.evidence,
from intermediate.int_pairs_compared as c
inner join intermediate.int_pattern_weights as w on w.pattern = c.pattern
