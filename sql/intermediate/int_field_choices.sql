-- int_field_choices: one row per distinct value of a field of a merged lead; rank 1 is the golden one
-- grain: lead_key, field, choice_rank
-- keys: none
-- materialize: table
-- pii: value
-- why: records that share a value vouch for it together, by the noisy-or of their confidences

with agreed as (
    select
        lead_key,
        field,
        arg_max(record_id, (confidence, fetched_at, -record_id)) as record_id,
        arg_max(value, (confidence, fetched_at, -record_id)) as value,
        round(1 - product(1 - confidence), 6) as confidence,
        count(*) as votes,
        max(fetched_at) as fetched_at,
    from intermediate.int_field_values
    group by lead_key, field, norm
),

final as (
    select
        *,
        row_number() over (
            partition by lead_key, field
            order by confidence desc, fetched_at desc, record_id asc
        ) as choice_rank,
    from agreed
)

select * from final
