-- int_field_choices: one row per distinct value of a field of a merged lead; rank 1 is the golden one
-- grain: lead_key, field, choice_rank
-- keys: none
-- materialize: table
-- pii: value
-- why: records that share a value vouch for it together, by the noisy-or of their confidences; ages count in whole
--   days, so that which of two sources answered first within a run decides nothing

with agreed as (
    select
        lead_key,
        field,
        arg_max(record_id, (confidence, -age_days, -record_id)) as record_id,
        arg_max(value, (confidence, -age_days, -record_id)) as value,
        round(1 - product(1 - confidence), 6) as confidence,
        count(*) as votes,
        min(age_days) as age_days,
    from intermediate.int_field_values
    group by lead_key, field, norm
),

final as (
    select
        *,
        row_number() over (
            partition by lead_key, field
            order by confidence desc, age_days asc, record_id asc
        ) as choice_rank,
    from agreed
)

select * from final
