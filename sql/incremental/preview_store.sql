-- Writes the previewed weights and clusters into the state; it runs in one transaction.

delete from matchstate.match_weights;

insert into matchstate.match_weights by name
select comparison, level, weight, default_weight, meaning
from scratch.intermediate.int_match_weights;

update matchstate.patterns
set match_weight = w.match_weight, evidence = w.evidence
from scratch.intermediate.int_pattern_weights as w
where w.pattern = patterns.pattern;

-- those that no pair has any more
delete from matchstate.patterns
where pattern not in (select pattern from scratch.intermediate.int_pattern_weights);

delete from matchstate.components;

insert into matchstate.components by name
select r.record_id, c.record_id as component_id
from scratch.incremental.components as n
inner join scratch.incremental.places as r on r.place = n.record_id
inner join scratch.incremental.places as c on c.place = n.component_id;

delete from matchstate.clusters;

insert into matchstate.clusters by name
select r.record_id, c.record_id as cluster_id
from scratch.intermediate.int_clusters as n
inner join scratch.incremental.places as r on r.place = n.record_id
inner join scratch.incremental.places as c on c.place = n.cluster_id;

delete from matchstate.cuts;

insert into matchstate.cuts by name
select l.record_id as left_id, r.record_id as right_id, c.match_weight, c.reason
from scratch.intermediate.int_cuts as c
inner join scratch.incremental.places as l on l.place = c.left_id
inner join scratch.incremental.places as r on r.place = c.right_id;

update matchstate.about
set updates = updates + 1, fingerprint = getvariable('fingerprint')
