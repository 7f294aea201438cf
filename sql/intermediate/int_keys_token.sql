-- int_keys_token: one row per record and blocking key of its rarest words
-- grain: none
-- keys: none
-- materialize: view
-- pii: key
-- why: names that share what is rare about them, in cells of 0.01 degrees, or, without a place, in one district or city

with tokens as (
    select record_id, lat, lon, postal_area, city, explode(rare_tokens) as token
    from intermediate.int_records_normalised
    where subject_key is null
)

select record_id, hash('w', token, floor(lat * 100), floor(lon * 70)) as key
from tokens
where lat is not null
union all
select record_id, hash('v', token, floor(lat * 100 + 0.5), floor(lon * 70 + 0.5)) as key
from tokens
where lat is not null
union all
select record_id, hash('x', token, postal_area) as key
from tokens
where lat is null and postal_area is not null
union all
select record_id, hash('y', token, city) as key
from tokens
where lat is null and city is not null
