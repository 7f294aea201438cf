-- Makes the tables of matchstate, an empty database, from a full resolution: what the next one needs to work on what
-- changed alone. A record_id of it never changes and says nothing about order; the left record of a pair is the one
-- that int_records_kept has first.

create table matchstate.records as
select record_id, provider, provider_key, subject_provider, subject_key, content_hash
from scratch.incremental.given;

create table matchstate.normalised as
select * from scratch.intermediate.int_records_normalised;

create table matchstate.block_keys as
select record_id, block_key
from scratch.intermediate.int_block_keys;

create table matchstate.pairs as
select left_id, right_id, pattern
from scratch.intermediate.int_pairs_compared;

create table matchstate.patterns as
select p.* exclude (pairs), w.match_weight, w.evidence
from scratch.intermediate.int_patterns as p
inner join scratch.intermediate.int_pattern_weights as w on w.pattern = p.pattern;

create table matchstate.components as
select record_id, component_id
from scratch.incremental.components;

create table matchstate.clusters as
select record_id, cluster_id
from scratch.intermediate.int_clusters;

create table matchstate.cuts as
select left_id, right_id, match_weight, reason
from scratch.intermediate.int_cuts;

create table matchstate.links as
select link_id, left_provider, left_key, right_provider, right_key, is_match, who, why, made_at
from scratch.runtime.links;

-- the frozen model: what follows from all records, and stays until the next full resolution
create table matchstate.words as
with words as (
    select explode(words) as word, explode(tokens) as token
    from scratch.intermediate.int_name_tokens
)

select word, any_value(token) as token
from words
group by word;

create table matchstate.shared_contacts as
select kind, contact, records
from scratch.intermediate.int_shared_contacts;

create table matchstate.match_weights as
select comparison, level, weight, default_weight, meaning
from scratch.intermediate.int_match_weights;

create table matchstate.about as
select
    getvariable('fingerprint') as fingerprint,
    cast(0 as bigint) as updates,
    cast(0 as bigint) as changes,
    (select count(*) from scratch.incremental.given) as records,
    (select count(*) from scratch.intermediate.int_name_tokens) as names,
    current_timestamp as made_at
