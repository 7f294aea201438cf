-- From run_int_records_kept, the records of the run: int_records_kept with those that are new or changed, numbered from
-- 1; numbered keeps their hashes.

create or replace table scratch.incremental.numbered as
select
    g.record_id as given_id,
    g.content_hash,
    row_number() over (order by g.record_id) as delta_id,
from scratch.incremental.given as g
semi join scratch.incremental.fresh as f on f.record_id = g.record_id;

create or replace table scratch.intermediate.int_records_kept as
select k.* replace (n.delta_id as record_id)
from scratch.intermediate.run_int_records_kept as k
inner join scratch.incremental.numbered as n on n.given_id = k.record_id
