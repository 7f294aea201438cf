-- match_weights: one row per level of a comparison, with what it weighed in the current run
-- grain: run_id, comparison, level
-- keys: none
-- materialize: table
-- pii: none
-- why: the model that ships is adapted to the data of each run, so what a pair weighed can be explained later only by
--   these; weight is in bits, default_weight the model's own, threshold the probability from which records match

select
    p.campaign_id,
    p.run_id,
    m.version as model,
    m.threshold,
    w.comparison,
    w.level,
    w.weight,
    w.default_weight,
    w.meaning,
from intermediate.int_match_weights as w
cross join intermediate.int_match_model as m
cross join runtime.params as p
