-- int_keys_domain: one row per record and blocking key of its domain
-- grain: none
-- keys: none
-- materialize: view
-- pii: key
-- why: a domain without its ending brings ace.com and ace.net together, within one postal district

select record_id, hash('d', domain) as key
from intermediate.int_records_normalised
where subject_key is null and domain is not null
union all
select record_id, hash('b', domain_name, coalesce(postal_area, city)) as key
from intermediate.int_records_normalised
where subject_key is null and domain is not null and coalesce(postal_area, city) is not null
