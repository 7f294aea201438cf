-- intermediate.int_links: one row per pair of records that people said something about, and that the run has. Of links
-- about one pair the latest holds. scratch.runtime.links is what stands in the control state.

create or replace table scratch.intermediate.int_links as
select
    least(a.record_id, b.record_id) as left_id,
    greatest(a.record_id, b.record_id) as right_id,
    l.is_match,
    l.link_id,
    l.who,
    l.why,
    l.made_at,
from scratch.runtime.links as l
inner join scratch.intermediate.int_records_kept as a
    on a.provider = l.left_provider and a.provider_key = l.left_key and a.subject_key is null
inner join scratch.intermediate.int_records_kept as b
    on b.provider = l.right_provider and b.provider_key = l.right_key and b.subject_key is null
where a.record_id <> b.record_id
qualify
    row_number() over (
        partition by least(a.record_id, b.record_id), greatest(a.record_id, b.record_id)
        order by l.made_at desc, l.link_id desc
    ) = 1
