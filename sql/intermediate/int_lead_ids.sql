-- int_lead_ids: one row per lead of the current run: its id, and since when it has it
-- grain: lead_key
-- keys: none
-- materialize: table
-- pii: none
-- why: of the ids that go to a lead the oldest lives. A lead to which none goes gets the id that follows from its
--   representative; where that one is known and counts for other records, the first of a fixed series that is not.
--   updated_at and content_hash are those that are published; null where the id is new, or lives again

with claimed as (
    select c.lead_key, c.lead_id, p.created_at, p.updated_at, p.content_hash
    from intermediate.int_lead_ids_claimed as c
    inner join intermediate.int_published_leads as p on p.lead_id = c.lead_id
    qualify row_number() over (partition by c.lead_key order by p.created_at nulls last, c.lead_id) = 1
),

nameless as (
    select m.lead_key, lead_uuid(r.provider, r.provider_key) as lead_id
    from intermediate.int_record_leads as m
    inner join intermediate.int_records_kept as r on r.record_id = m.record_id
    anti join intermediate.int_lead_ids_known as s on s.record_id = m.record_id and s.is_settled
    anti join claimed as c on c.lead_key = m.lead_key
    where m.is_representative
),

taken as (
    select n.lead_key, r.provider, r.provider_key
    from nameless as n
    semi join intermediate.int_published_leads as p on p.lead_id = n.lead_id
    inner join intermediate.int_records_kept as r on r.record_id = n.lead_key
),

series as (
    select
        t.lead_key,
        s.range as place,
        lead_uuid(t.provider, t.provider_key || '|' || s.range) as lead_id,
    from taken as t
    cross join range(1, 65) as s
),

fresh as (
    select s.lead_key, arg_min(s.lead_id, s.place) as lead_id
    from series as s
    anti join intermediate.int_published_leads as p on p.lead_id = s.lead_id
    group by s.lead_key
),

named as (
    select k.lead_key, k.lead_id, p.created_at, p.updated_at, p.content_hash, false as is_new
    from intermediate.int_lead_ids_known as k
    inner join intermediate.int_published_leads as p on p.lead_id = k.lead_id
    where k.is_settled and k.record_id = k.lead_key
    union all by name
    select *, false as is_new
    from claimed
    union all by name
    select
        n.lead_key,
        case when t.lead_key is null then n.lead_id else f.lead_id end as lead_id,
        true as is_new,
    from nameless as n
    left join taken as t on t.lead_key = n.lead_key
    left join fresh as f on f.lead_key = n.lead_key
)

select
    n.lead_key,
    n.lead_id,
    coalesce(n.created_at, p.as_of) as created_at,
    n.updated_at,
    n.content_hash,
    n.is_new,
from named as n
cross join runtime.params as p
