-- int_names: one row per record with a name, in the form that is compared
-- grain: record_id
-- keys: none
-- materialize: table
-- pii: none
-- why: name_key(name), step by step, so that a plain name, as most are, takes none of the dear steps; what has no
--   letter and no digit has no key, and to ask that of the name is cheaper than to ask it of the key

with named as (
    select record_id, name, is_plain(name) and not has_other_name(name) as is_plain
    from intermediate.int_records_kept
    where regexp_matches(name, '[\p{L}\p{N}]')
),

owned as (
    select record_id, name, is_plain, case when is_plain then name else own_name(name) end as own_name
    from named
),

keyed as (
    select record_id, name, case when is_plain then lower(own_name) else text_key(own_name) end as key
    from owned
),

shortened as (
    select record_id, name, trim(without_legal_form(key)) as key
    from keyed
)

select record_id, case when key = '' then text_key(name) else key end as name_key
from shortened
