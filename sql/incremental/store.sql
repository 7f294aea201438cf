-- Writes what a delta changed into the state; it runs in one transaction.

delete from matchstate.records
where record_id in (select record_id from scratch.incremental.ended);

delete from matchstate.normalised
where record_id in (select record_id from scratch.incremental.ended);

delete from matchstate.block_keys
where record_id in (select record_id from scratch.incremental.ended);

delete from matchstate.pairs
where left_id in (select record_id from scratch.incremental.left_behind);

delete from matchstate.pairs
where right_id in (select record_id from scratch.incremental.left_behind);

insert into matchstate.records by name
select d.*, n.content_hash
from scratch.incremental.delta_keys as d
inner join scratch.incremental.ids as i on i.record_id = d.record_id
inner join scratch.incremental.numbered as n on n.delta_id = i.delta_id;

insert into matchstate.normalised by name
select * from scratch.incremental.delta_normalised;

insert into matchstate.block_keys by name
select record_id, block_key
from scratch.incremental.has;

insert into matchstate.pairs by name
select left_id, right_id, pattern
from scratch.incremental.made;

insert into matchstate.patterns by name
select p.* exclude (pairs), w.match_weight, w.evidence
from scratch.intermediate.int_patterns as p
inner join scratch.intermediate.int_pattern_weights as w on w.pattern = p.pattern
anti join matchstate.patterns as k on k.pattern = p.pattern;

delete from matchstate.components
where
    record_id in (select record_id from scratch.incremental.within)
    or record_id in (select record_id from scratch.incremental.gone);

insert into matchstate.components by name
select r.record_id, c.record_id as component_id
from scratch.incremental.components as n
inner join scratch.incremental.places as r on r.place = n.record_id
inner join scratch.incremental.places as c on c.place = n.component_id;

delete from matchstate.clusters
where
    record_id in (select record_id from scratch.incremental.within)
    or record_id in (select record_id from scratch.incremental.gone);

insert into matchstate.clusters by name
select r.record_id, c.record_id as cluster_id
from scratch.intermediate.int_clusters as n
inner join scratch.incremental.places as r on r.place = n.record_id
inner join scratch.incremental.places as c on c.place = n.cluster_id;

delete from matchstate.cuts
where
    left_id in (select record_id from scratch.incremental.within)
    or right_id in (select record_id from scratch.incremental.within)
    or left_id in (select record_id from scratch.incremental.gone)
    or right_id in (select record_id from scratch.incremental.gone);

insert into matchstate.cuts by name
select l.record_id as left_id, r.record_id as right_id, c.match_weight, c.reason
from scratch.intermediate.int_cuts as c
inner join scratch.incremental.places as l on l.place = c.left_id
inner join scratch.incremental.places as r on r.place = c.right_id;

delete from matchstate.links;

insert into matchstate.links by name
select link_id, left_provider, left_key, right_provider, right_key, is_match, who, why, made_at
from scratch.runtime.links;

update matchstate.about
set
    updates = updates + 1,
    changes = changes
    + (select count(*) from scratch.incremental.ids)
    + (select count(*) from scratch.incremental.gone),
    records = records
    + (select coalesce(sum(cast(is_new as integer)), 0) from scratch.incremental.ids)
    - (select count(*) from scratch.incremental.gone)
