-- What the state says of the records of a run, by their ids there: int_clusters, int_cuts, run_edges, the pairs whose
-- match weight is positive, and run_weights, by which they are weighed. run_weights are what levels weigh.

create or replace table scratch.incremental.run_ids as
select r.record_id as state_id, g.record_id
from matchstate.records as r
inner join scratch.incremental.given as g
    on g.provider = r.provider
    and g.provider_key = r.provider_key
    and g.subject_provider is not distinct from r.subject_provider
    and g.subject_key is not distinct from r.subject_key;

create or replace table scratch.intermediate.int_clusters as
select i.record_id, k.record_id as cluster_id
from matchstate.clusters as c
inner join scratch.incremental.run_ids as i on i.state_id = c.record_id
inner join scratch.incremental.run_ids as k on k.state_id = c.cluster_id;

create or replace table scratch.intermediate.int_cuts as
select l.record_id as left_id, r.record_id as right_id, c.match_weight, c.reason
from matchstate.cuts as c
inner join scratch.incremental.run_ids as l on l.state_id = c.left_id
inner join scratch.incremental.run_ids as r on r.state_id = c.right_id;

create or replace table scratch.incremental.run_edges as
select l.record_id as left_id, r.record_id as right_id, p.pattern, w.match_weight, w.evidence
from matchstate.pairs as p
inner join matchstate.patterns as w on w.pattern = p.pattern and w.match_weight > 0
inner join scratch.incremental.run_ids as l on l.state_id = p.left_id
inner join scratch.incremental.run_ids as r on r.state_id = p.right_id;

create or replace table scratch.incremental.run_weights as
select comparison, level, weight, default_weight, meaning
from matchstate.match_weights;

create or replace table scratch.incremental.run_weights as
select comparison, level, weight, default_weight, meaning
from matchstate.match_weights
