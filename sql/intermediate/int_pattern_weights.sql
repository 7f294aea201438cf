-- int_pattern_weights: one row per combination of levels, with its match weight and what spoke for and against it
-- grain: pattern
-- keys: none
-- materialize: table
-- pii: none
-- why: a match weight is a sum of log2 Bayes factors (Fellegi and Sunter 1969); the prior is one of them

with long_patterns as (
    select pattern, 'name' as comparison, name_level as level from intermediate.int_patterns
    union all
    select pattern, 'rest' as comparison, rest_level as level from intermediate.int_patterns
    union all
    select pattern, 'number' as comparison, number_level as level from intermediate.int_patterns
    union all
    select pattern, 'unit' as comparison, unit_level as level from intermediate.int_patterns
    union all
    select pattern, 'distance' as comparison, distance_level as level from intermediate.int_patterns
    union all
    select pattern, 'address' as comparison, address_level as level from intermediate.int_patterns
    union all
    select pattern, 'area' as comparison, area_level as level from intermediate.int_patterns
    union all
    select pattern, 'phone' as comparison, phone_level as level from intermediate.int_patterns
    union all
    select pattern, 'web' as comparison, web_level as level from intermediate.int_patterns
    union all
    select pattern, 'asked' as comparison, asked_level as level from intermediate.int_patterns
),

summed as (
    select
        p.pattern,
        sum(w.weight) as weight,
        list(
            case when w.weight > 0 then p.comparison else 'not ' || p.comparison end
            order by abs(w.weight) desc, p.comparison
        ) filter (where abs(w.weight) >= 0.5) as evidence,
    from long_patterns as p
    inner join intermediate.int_match_weights as w on w.comparison = p.comparison and w.level = p.level
    group by p.pattern
),

final as (
    select
        s.pattern,
        round(s.weight + p.weight, 6) as match_weight,
        coalesce(s.evidence, []) as evidence,
    from summed as s
    inner join intermediate.int_match_weights as p on p.comparison = 'prior'
)

select * from final
