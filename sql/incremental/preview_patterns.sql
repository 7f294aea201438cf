-- From the state: int_patterns as all compared pairs have them now, the weights, and what people said when it was made.

create or replace table scratch.intermediate.int_patterns as
with counted as (
    select pattern, count(*) as pairs
    from matchstate.pairs
    group by pattern
)

select p.* exclude (match_weight, evidence), c.pairs
from matchstate.patterns as p
inner join counted as c on c.pattern = p.pattern;

create or replace table scratch.intermediate.int_match_weights as
select comparison, level, weight, default_weight, meaning
from matchstate.match_weights;

create or replace table scratch.runtime.links as
select link_id, left_provider, left_key, right_provider, right_key, is_match, who, why, made_at
from matchstate.links
