-- Compared pairs that are in one lead in the preview and were not, or the other way round, as many of each as asked
-- for, in an order that has nothing to do with what they are. Values are those that were compared.

with changed as (
    select
        p.left_id,
        p.right_id,
        a.lead_then = b.lead_then as is_won,
        k.match_weight as weight_now,
        w.match_weight as weight_then,
        w.evidence,
    from matchstate.pairs as p
    inner join scratch.incremental.cells as a on a.record_id = p.left_id
    inner join scratch.incremental.cells as b on b.record_id = p.right_id
    inner join matchstate.patterns as k on k.pattern = p.pattern
    inner join scratch.intermediate.int_pattern_weights as w on w.pattern = p.pattern
    where (a.lead_now = b.lead_now) <> (a.lead_then = b.lead_then)
),

sampled as (
    select *
    from changed
    qualify row_number() over (partition by is_won order by hash(left_id, right_id), left_id, right_id) <= $1
)

select
    s.is_won,
    s.weight_now,
    s.weight_then,
    array_to_string(s.evidence, ', ') as evidence,
    l.provider as left_provider,
    l.provider_key as left_key,
    concat_ws(
        ', ', l.name_key, concat_ws(' ', l.house, l.street), l.city, l.postal, l.phone, l.domain
    ) as left_values,
    r.provider as right_provider,
    r.provider_key as right_key,
    concat_ws(
        ', ', r.name_key, concat_ws(' ', r.house, r.street), r.city, r.postal, r.phone, r.domain
    ) as right_values,
from sampled as s
inner join matchstate.normalised as l on l.record_id = s.left_id
inner join matchstate.normalised as r on r.record_id = s.right_id
order by s.is_won desc, left_provider asc, left_key asc, right_provider asc, right_key asc
