-- int_lead_ids_homed: one row per record of the current run that counts for another id than its lead's
-- grain: record_id
-- keys: record_id -> intermediate.int_record_leads.record_id
-- materialize: table
-- pii: none
-- why: a record counts for its id as long as it stays with most of those that do; one that leaves them for a lead that
--   has an id counts for none, which is empty here, so that it never draws that id after it. All records of a lead
--   that is new count for the new id

with homes as (
    select
        record_id,
        lead_key,
        is_settled,
        case when home_id is null then lead_id else nullif(home_id, '') end as home_id,
    from intermediate.int_lead_ids_known
    where not is_settled or home_id is not null
)

select
    h.record_id,
    case
        when h.is_settled or c.lead_key = h.lead_key then coalesce(h.home_id, '')
        else ''
    end as home_id,
from homes as h
inner join intermediate.int_lead_ids as i on i.lead_key = h.lead_key
left join intermediate.int_lead_ids_claimed as c on c.lead_id = h.home_id
where not i.is_new and h.home_id is distinct from i.lead_id
