-- int_block_keys: one row per blocking rule that a record takes part in
-- grain: none
-- keys: record_id -> intermediate.int_records_kept.record_id
-- materialize: table
-- pii: none
-- why: a pair that shares no key is never compared, so each rule covers what another's missing field loses; answers
--   about one lead take part in none, because they are compared to their subject alone

with celled as (
    select
        *,
        floor(lat * 200) || '|' || floor(lon * 200) as cell,
        floor(lat * 200 + 0.5) || '|' || floor(lon * 200 + 0.5) as shifted_cell,
    from intermediate.int_records_normalised
    where subject_key is null
),

keyed as (
    select
        record_id,
        coalesce(postal, city, '') as area,
        left(name_compact, 4) as name_start,
        unnest([ -- noqa: AL03
            {'rule': 'phone', 'key': 'p' || phone},
            {'rule': 'phone', 'key': 't' || phone_tail || '|' || left(name_compact, 2)},
            {'rule': 'domain', 'key': 'd' || domain},
            {'rule': 'email_domain', 'key': 'e' || email_domain},
            {'rule': 'name_area', 'key': 'n' || name_compact || '|' || coalesce(postal, city, '')},
            {'rule': 'name_area', 'key': 'c' || left(name_compact, 9) || '|' || coalesce(city, '')},
            {'rule': 'address', 'key': 'a' || house || '|' || street || '|' || coalesce(postal, city, '')},
            {'rule': 'address', 'key': 'h' || house || '|' || left(street, 3) || '|' || coalesce(city, '')},
            -- cells of 0.005 degrees, and again shifted by half, so that no border parts neighbours in both
            {'rule': 'geo_name', 'key': 'g' || cell || '|' || left(name_compact, 3)},
            {'rule': 'geo_name', 'key': 's' || shifted_cell || '|' || left(name_compact, 3)}
        ], recursive := true)
    from celled
)

select record_id, rule, hash(key) as block_key, hash(key, area, name_start) as narrow_key
from keyed
where key is not null
