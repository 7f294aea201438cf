-- int_pairs_compared: one row per blocked pair, with its level of agreement per field
-- grain: left_id, right_id
-- keys: none
-- materialize: table
-- pii: none
-- why: levels are null or 0 where a side is missing, so that absence counts neither for nor against

with pairs as (
    select
        p.left_id,
        p.right_id,
        r.subject_key is not null as is_asked, -- answers have the larger ids
        r.likelihood,
        l.name_key as l_name,
        r.name_key as r_name,
        l.name_compact as l_compact,
        r.name_compact as r_compact,
        len(l.name_tokens) as l_tokens,
        len(r.name_tokens) as r_tokens,
        coalesce(
            (len(r.name_tokens) > 1 and l.name_letters = r.name_initials)
            or (len(l.name_tokens) > 1 and r.name_letters = l.name_initials),
            false
        ) as is_acronym,
        list_filter(l.name_tokens, lambda t: not list_contains(r.name_tokens, t)) as l_only,
        list_filter(r.name_tokens, lambda t: not list_contains(l.name_tokens, t)) as r_only,
        l.house as l_house,
        r.house as r_house,
        l.street as l_street,
        r.street as r_street,
        l.house = r.house as same_house,
        l.phone = r.phone as same_phone,
        l.phone_tail = r.phone_tail as same_phone_tail,
        l.domain = r.domain as same_domain,
        l.email_domain = r.email_domain as same_email_domain,
        l.postal = r.postal as same_postal,
        l.city = r.city
        or contains(l.city, r.city)
        or contains(r.city, l.city)
        or jaro_winkler_similarity(l.city, r.city) > 0.9 as same_city,
        distance_m(l.lat, l.lon, r.lat, r.lon) as metres,
    from intermediate.int_pairs_blocked as p
    inner join intermediate.int_records_normalised as l on l.record_id = p.left_id
    inner join intermediate.int_records_normalised as r on r.record_id = p.right_id
),

rests as (
    select
        *,
        array_to_string(l_only, '') as l_rest,
        array_to_string(r_only, '') as r_rest,
    from pairs
),

measured as (
    select
        *,
        case
            when l_compact = r_compact then 1.0
            else greatest(jaro_winkler_similarity(l_name, r_name), jaro_winkler_similarity(l_compact, r_compact))
        end as name_jw,
        l_tokens - len(l_only) as shared_tokens,
        -- how alike the words are that only one side has; null where one name holds the other
        case
            when len(l_only) = 0 or len(r_only) = 0 then null
            -- Jaro-Winkler likes a shared start, which a long rest has too easily
            when 2 * least(length(l_rest), length(r_rest)) < greatest(length(l_rest), length(r_rest)) then 0
            -- either side turned round: the words are sorted, and a typo may have moved one
            else greatest(
                jaro_winkler_similarity(l_rest, r_rest),
                case
                    when len(l_only) > 1
                        then jaro_winkler_similarity(array_to_string(list_reverse(l_only), ''), r_rest)
                end,
                case
                    when len(r_only) > 1
                        then jaro_winkler_similarity(l_rest, array_to_string(list_reverse(r_only), ''))
                end
            )
        end as rest_jw,
        -- "Hall 2" and "Hall 3", "Building D" and "Building E"
        case
            when len(l_only) > 0 and len(r_only) > 0
                then len(list_filter(l_only, lambda t: regexp_full_match(t, '[0-9]+|[a-z]'))) > 0
                    and len(list_filter(r_only, lambda t: regexp_full_match(t, '[0-9]+|[a-z]'))) > 0
            else false
        end as has_other_number,
        -- "Regions" and "Regis" start alike, yet too many letters differ for a typo
        4 * levenshtein(l_rest, r_rest) <= greatest(length(l_rest), length(r_rest)) as is_near_spelling,
        case when l_street = r_street then 1.0 else jaro_winkler_similarity(l_street, r_street) end as street_jw,
        contains(l_street, r_street) or contains(r_street, l_street) as is_street_contained,
    from rests
),

final as (
    select
        left_id,
        right_id,
        is_asked,
        likelihood,
        l_name is null or r_name is null as is_nameless,
        coalesce(case
            when l_name is null or r_name is null then 0
            when name_jw = 1 or (l_tokens > 0 and len(l_only) = 0 and len(r_only) = 0) then 4  -- the same
            when has_other_number then 1
            when rest_jw is null and shared_tokens >= 2 then 3                          -- one holds the other
            when name_jw >= 0.97 or (rest_jw >= 0.8 and name_jw >= 0.85 and is_near_spelling) then 3  -- a typo apart
            when rest_jw is null and shared_tokens = 1 then 2
            when is_acronym then 2
            when rest_jw >= 0.8 and (shared_tokens > 0 or name_jw > 0.85) then 2
            when name_jw >= 0.85 or shared_tokens * 2 >= least(l_tokens, r_tokens) then 1
            else 0
        end, 0) as name_level,
        rest_jw is null and name_jw < 1 and (len(l_only) > 0 or len(r_only) > 0) as is_name_contained,
        coalesce(case
            when same_house and (street_jw >= 0.88 or is_street_contained) then 3
            when same_house and (l_street is null or r_street is null) then 2
            when (l_house is null or r_house is null) and street_jw >= 0.92 then 1
            when same_house then 0
            when l_house <> r_house then -2
            when street_jw < 0.8 then -1
            else 0
        end, 0) as address_level,
        same_phone,
        same_phone_tail,
        same_domain,
        same_email_domain,
        same_postal,
        same_city,
        metres,
    from measured
)

select * from final
