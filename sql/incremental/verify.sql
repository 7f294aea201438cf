-- Compares the attached state with a resolution of all records by its frozen model, which is in scratch: one row per
-- table, with the rows of either side and whether they are the same. Records are named by their keys, for the two
-- number them differently; lines are compared by the sum of their hashes.

create or replace table scratch.incremental.state_names as
select record_id, hash(provider, provider_key, subject_provider, subject_key) as name
from matchstate.records;

create or replace table scratch.incremental.names as
select record_id, hash(provider, provider_key, subject_provider, subject_key) as name
from scratch.intermediate.int_records_kept;

create or replace view scratch.incremental.state_pairs as
select p.left_id, p.right_id, p.pattern, w.match_weight
from matchstate.pairs as p
inner join matchstate.patterns as w on w.pattern = p.pattern;

create or replace view scratch.incremental.rebuilt_pairs as
select p.left_id, p.right_id, p.pattern, w.match_weight
from scratch.intermediate.int_pairs_compared as p
inner join scratch.intermediate.int_pattern_weights as w on w.pattern = p.pattern;

create or replace view scratch.incremental.state_lines as
select record_id, hash(*columns(* exclude (record_id))) as line
from matchstate.normalised;

create or replace view scratch.incremental.rebuilt_lines as
select record_id, hash(*columns(* exclude (record_id))) as line
from scratch.intermediate.int_records_normalised;

create or replace table scratch.incremental.verified as
with lines as (
    select
        'records' as what,
        true as is_state,
        count(*) as lines,
        sum(hash(l.name, t.content_hash)) as sign,
    from matchstate.records as t
    inner join scratch.incremental.state_names as l on l.record_id = t.record_id
    union all
    select
        'records' as what,
        false as is_state,
        count(*) as lines,
        sum(hash(l.name, t.content_hash)) as sign,
    from scratch.incremental.given as t
    inner join scratch.incremental.names as l on l.record_id = t.record_id
    union all
    select
        'normalised' as what,
        true as is_state,
        count(*) as lines,
        sum(hash(l.name, t.line)) as sign,
    from scratch.incremental.state_lines as t
    inner join scratch.incremental.state_names as l on l.record_id = t.record_id
    union all
    select
        'normalised' as what,
        false as is_state,
        count(*) as lines,
        sum(hash(l.name, t.line)) as sign,
    from scratch.incremental.rebuilt_lines as t
    inner join scratch.incremental.names as l on l.record_id = t.record_id
    union all
    select
        'block_keys' as what,
        true as is_state,
        count(*) as lines,
        sum(hash(l.name, t.block_key)) as sign,
    from matchstate.block_keys as t
    inner join scratch.incremental.state_names as l on l.record_id = t.record_id
    union all
    select
        'block_keys' as what,
        false as is_state,
        count(*) as lines,
        sum(hash(l.name, t.block_key)) as sign,
    from scratch.intermediate.int_block_keys as t
    inner join scratch.incremental.names as l on l.record_id = t.record_id
    union all
    select
        'pairs' as what,
        true as is_state,
        count(*) as lines,
        sum(hash(l.name, r.name, t.pattern, t.match_weight)) as sign,
    from scratch.incremental.state_pairs as t
    inner join scratch.incremental.state_names as l on l.record_id = t.left_id
    inner join scratch.incremental.state_names as r on r.record_id = t.right_id
    union all
    select
        'pairs' as what,
        false as is_state,
        count(*) as lines,
        sum(hash(l.name, r.name, t.pattern, t.match_weight)) as sign,
    from scratch.incremental.rebuilt_pairs as t
    inner join scratch.incremental.names as l on l.record_id = t.left_id
    inner join scratch.incremental.names as r on r.record_id = t.right_id
    union all
    select
        'components' as what,
        true as is_state,
        count(*) as lines,
        sum(hash(l.name, r.name)) as sign,
    from matchstate.components as t
    inner join scratch.incremental.state_names as l on l.record_id = t.record_id
    inner join scratch.incremental.state_names as r on r.record_id = t.component_id
    union all
    select
        'components' as what,
        false as is_state,
        count(*) as lines,
        sum(hash(l.name, r.name)) as sign,
    from scratch.incremental.components as t
    inner join scratch.incremental.names as l on l.record_id = t.record_id
    inner join scratch.incremental.names as r on r.record_id = t.component_id
    union all
    select
        'clusters' as what,
        true as is_state,
        count(*) as lines,
        sum(hash(l.name, r.name)) as sign,
    from matchstate.clusters as t
    inner join scratch.incremental.state_names as l on l.record_id = t.record_id
    inner join scratch.incremental.state_names as r on r.record_id = t.cluster_id
    union all
    select
        'clusters' as what,
        false as is_state,
        count(*) as lines,
        sum(hash(l.name, r.name)) as sign,
    from scratch.intermediate.int_clusters as t
    inner join scratch.incremental.names as l on l.record_id = t.record_id
    inner join scratch.incremental.names as r on r.record_id = t.cluster_id
    union all
    select
        'cuts' as what,
        true as is_state,
        count(*) as lines,
        sum(hash(l.name, r.name, t.match_weight, t.reason)) as sign,
    from matchstate.cuts as t
    inner join scratch.incremental.state_names as l on l.record_id = t.left_id
    inner join scratch.incremental.state_names as r on r.record_id = t.right_id
    union all
    select
        'cuts' as what,
        false as is_state,
        count(*) as lines,
        sum(hash(l.name, r.name, t.match_weight, t.reason)) as sign,
    from scratch.intermediate.int_cuts as t
    inner join scratch.incremental.names as l on l.record_id = t.left_id
    inner join scratch.incremental.names as r on r.record_id = t.right_id
)

select
    what,
    any_value(lines) filter (where is_state) as state_lines,
    any_value(lines) filter (where not is_state) as rebuilt_lines,
    min(lines) = max(lines) and coalesce(min(sign), 0) = coalesce(max(sign), 0) as is_same,
from lines
group by what
