-- How many matches and non-matches each pattern of levels has, after eval.pairs (left_source, left_key, right_source,
-- right_key, is_match). Labelled pairs: only the listed pairs count. Complete (it lists no non-match): every compared
-- pair that is not listed is a non-match.

with records as (
    select record_id, provider, provider_key
    from intermediate.int_records_kept
),

listed as (
    select
        least(l.record_id, r.record_id) as left_id,
        greatest(l.record_id, r.record_id) as right_id,
        bool_or(p.is_match) as is_match,
    from eval.pairs as p
    inner join records as l on l.provider = p.left_source and l.provider_key = p.left_key
    inner join records as r on r.provider = p.right_source and r.provider_key = p.right_key
    where l.record_id <> r.record_id
    group by all
),

kind as (
    select bool_and(is_match) as is_complete
    from listed
)

select
    c.pattern,
    cast(count(*) filter (where t.is_match) as double) as matches,
    cast(count(*) filter (where not coalesce(t.is_match, false)) as double) as others,
from intermediate.int_pairs_compared as c
cross join kind as k
left join listed as t on t.left_id = c.left_id and t.right_id = c.right_id
where k.is_complete or t.is_match is not null
group by c.pattern
order by c.pattern
