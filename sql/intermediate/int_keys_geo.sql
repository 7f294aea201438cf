-- int_keys_geo: one row per record and blocking key of its place
-- grain: none
-- keys: none
-- materialize: view
-- pii: key
-- why: cells of 0.005 degrees, and again shifted by half, so that no border parts neighbours in both

select record_id, hash('g', floor(lat * 200), floor(lon * 200), left(name_compact, 3)) as key
from intermediate.int_records_normalised
where subject_key is null and lat is not null and name_compact is not null
union all
select record_id, hash('s', floor(lat * 200 + 0.5), floor(lon * 200 + 0.5), left(name_compact, 3)) as key
from intermediate.int_records_normalised
where subject_key is null and lat is not null and name_compact is not null
