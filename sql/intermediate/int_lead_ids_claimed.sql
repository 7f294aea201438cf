-- int_lead_ids_claimed: one row per published id that is not settled, with the lead of the run that it goes to
-- grain: lead_id
-- keys: lead_key -> intermediate.int_record_leads.lead_key
-- materialize: table
-- pii: none
-- why: an id goes with most of the records that count for it, at a tie with the smaller representative; one that lives
--   and has none of those left goes with most of its other records. Ids that ended go along, in case they come back

with moving as (
    select
        lead_key,
        lead_id,
        case when home_id is null then lead_id else nullif(home_id, '') end as home_id,
    from intermediate.int_lead_ids_known
    where not is_settled
),

counted as (
    select home_id as lead_id, lead_key, count(*) as records
    from moving
    where home_id is not null
    group by home_id, lead_key
),

others as (
    select m.lead_id, m.lead_key, count(*) as records
    from moving as m
    anti join counted as c on c.lead_id = m.lead_id
    where m.lead_id is not null
    group by m.lead_id, m.lead_key
),

votes as (
    select * from counted
    union all by name
    select * from others
)

select v.lead_id, v.lead_key
from votes as v
anti join intermediate.int_lead_ids_known as s on s.lead_id = v.lead_id and s.is_settled
qualify row_number() over (partition by v.lead_id order by v.records desc, v.lead_key asc) = 1
