-- One row: pairs of records in one lead that the preview wins and loses, leads now and then, those that it makes of
-- several and takes apart, and what the labels say of the weights now and then.

with cells as (
    select lead_now, lead_then, count(*) as records
    from scratch.incremental.cells
    group by lead_now, lead_then
),

leads_now as (
    select lead_now, sum(records) as records, count(*) as parts
    from cells
    group by lead_now
),

leads_then as (
    select lead_then, sum(records) as records, count(*) as parts
    from cells
    group by lead_then
),

pairs as (
    select
        (select coalesce(sum(records * (records - 1)), 0) from cells) as both_ways,
        (select coalesce(sum(records * (records - 1)), 0) from leads_now) as now,
        (select coalesce(sum(records * (records - 1)), 0) from leads_then) as then_,
),

leads as (
    select
        a.records - (select count(*) from scratch.incremental.cells) as alone,
        (select count(*) from leads_now) as now,
        (select count(*) from leads_then) as then_,
        (select cast(coalesce(sum(cast(parts > 1 as integer)), 0) as bigint) from leads_then) as merged,
        (select cast(coalesce(sum(cast(parts > 1 as integer)), 0) as bigint) from leads_now) as split,
    from matchstate.about as a
),

labels as (
    select
        count(*) filter (where is_match) as matches,
        count(*) filter (where not is_match) as others,
        count(*) filter (where is_match and is_found_now) as right_now,
        count(*) filter (where not is_match and is_found_now) as wrong_now,
        count(*) filter (where is_match and is_found_then) as right_then,
        count(*) filter (where not is_match and is_found_then) as wrong_then,
    from scratch.incremental.labels
)

select
    cast((p.then_ - p.both_ways) / 2 as bigint) as pairs_won,
    cast((p.now - p.both_ways) / 2 as bigint) as pairs_lost,
    l.alone + l.now as leads_now,
    l.alone + l.then_ as leads_then,
    l.merged,
    l.split,
    b.*,
from pairs as p
cross join leads as l
cross join labels as b
