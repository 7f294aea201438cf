-- int_shared_contacts: one row per phone number or domain that more than three records have
-- grain: kind, contact
-- keys: none
-- materialize: table
-- pii: contact
-- why: a switchboard, a chain's site or a mall's number says less than one's own

select 'phone' as kind, phone as contact, count(*) as records
from intermediate.int_contacts
where phone is not null
group by phone
having count(*) > 3
union all
select 'domain' as kind, coalesce(domain, email_domain) as contact, count(*) as records
from intermediate.int_contacts
where domain is not null or email_domain is not null
group by coalesce(domain, email_domain)
having count(*) > 3
