-- int_keys_domain: one row per record and blocking key of its domain
-- grain: none
-- keys: record_id -> intermediate.int_records_kept.record_id
-- materialize: view
-- pii: key
-- why: a domain without its ending brings ace.com and ace.net together, within one postal district

select record_id, 'd' || domain as key
from intermediate.int_records_normalised
where subject_key is null and domain is not null
union all
select record_id, 'b' || domain_name || '|' || coalesce(postal_area, city) as key
from intermediate.int_records_normalised
where subject_key is null and domain is not null
