-- True positives, false positives and false negatives, the true pairs that were compared, and B-cubed precision and
-- recall, of eval.degrees and eval.counted under eval.options (is_complete, is_across).
-- Complete: a pair in one cluster is wrong unless it is known to be right. Otherwise only listed non-matches are.
-- Each pair is counted from both of its records, hence the halves.

select
    cast(coalesce(sum(d.records * d.found), 0) / 2 as bigint) as true_positives,
    case
        when any_value(o.is_complete) then cast(coalesce(sum(d.records * (d.predicted - d.found)), 0) / 2 as bigint)
        else any_value(c.wrong)
    end as false_positives,
    cast(coalesce(sum(d.records * (d.matches - d.found)), 0) / 2 as bigint) as false_negatives,
    any_value(c.blocked) as blocked,
    sum(d.records * (1 + d.found) / (1 + d.predicted)) / sum(d.records) as b_cubed_precision,
    sum(d.records * (1 + d.found) / (1 + d.matches)) / sum(d.records) as b_cubed_recall,
from eval.counted as c
cross join eval.options as o
left join eval.degrees as d on true
