-- int_pairs_compared: one row per blocked pair, with its level of agreement per comparison
-- grain: left_id, right_id
-- keys: none
-- materialize: table
-- pii: none
-- why: level 0 of all but name, rest, number and unit means that a side is missing and counts neither for nor against;
--   what a level means stands in transforms/match_model.json; pattern is all levels as one number

with pairs as (
    select
        p.left_id,
        p.right_id,
        case when r.subject_key is null then 0 else 1 end as is_asked, -- answers have the larger ids
        r.likelihood,
        l.name_key as l_name,
        r.name_key as r_name,
        l.name_compact as l_compact,
        r.name_compact as r_compact,
        l.words as l_words,
        r.words as r_words,
        l.tokens as l_tokens,
        r.tokens as r_tokens,
        coalesce(l.name_weight, 0) as l_weight,
        coalesce(r.name_weight, 0) as r_weight,
        coalesce(l.letters = r.initials or r.letters = l.initials, false) as is_acronym,
        case when l.name_compact <> r.name_compact then array_common(l.tokens, r.tokens) end as common,
        l.house as l_house,
        r.house as r_house,
        l.street as l_street,
        r.street as r_street,
        l.phone as l_phone,
        r.phone as r_phone,
        l.phone_tail as l_tail,
        r.phone_tail as r_tail,
        greatest(l.phone_records, r.phone_records) as phone_records,
        l.domain as l_domain,
        r.domain as r_domain,
        l.domain_name as l_domain_name,
        r.domain_name as r_domain_name,
        greatest(l.domain_records, r.domain_records) as domain_records,
        l.page as l_page,
        r.page as r_page,
        l.postal as l_postal,
        r.postal as r_postal,
        l.postal_area as l_area,
        r.postal_area as r_area,
        l.city as l_city,
        r.city as r_city,
        distance_m(l.lat, l.lon, r.lat, r.lon) as metres,
    from intermediate.int_pairs_blocked as p
    inner join intermediate.int_records_normalised as l on l.record_id = p.left_id
    inner join intermediate.int_records_normalised as r on r.record_id = p.right_id
),

-- dear comparisons only where names differ
likened as (
    select
        *,
        case when common is null then l_weight else tokens_weight(common) end as common_weight,
        case
            when common is null then 1.0
            else greatest(jaro_winkler_similarity(l_name, r_name), jaro_winkler_similarity(l_compact, r_compact))
        end as name_jw,
        coalesce(array_size(common) = array_size(l_tokens) and array_size(common) = array_size(r_tokens), false)
            as is_same_words,
        coalesce(array_size(l_tokens) > array_size(common), false) as l_has_rest,
        coalesce(array_size(r_tokens) > array_size(common), false) as r_has_rest,
        case
            when l_street = r_street then 1.0
            when contains(l_street, r_street) or contains(r_street, l_street) then 0.95
            else jaro_winkler_similarity(l_street, r_street)
        end as street_jw,
    from pairs
),

rests as (
    select
        *,
        case when l_has_rest and r_has_rest then array_minus(l_words, r_words) end as l_rest,
        case when l_has_rest and r_has_rest then array_minus(r_words, l_words) end as r_rest,
        case when l_has_rest then array_minus(l_tokens, common) end as l_only,
        case when r_has_rest then array_minus(r_tokens, common) end as r_only,
    from likened
),

-- words that only one side has may still be one word with a typo, or an abbreviation
rest_texts as (
    select
        *,
        array_text(l_rest) as l_text,
        array_text(r_rest) as r_text,
        tokens_kinds(l_only) as l_kinds,
        tokens_kinds(r_only) as r_kinds,
    from rests
),

softened as (
    select
        *,
        case
            when l_rest is null or 2 * least(length(l_text), length(r_text)) < length(l_text) then 0.0
            when length(l_text) < 3 or length(r_text) < 3 then 0.0
            when jaro_winkler_similarity(l_text, r_text) >= 0.88 then 1.0
            else jaro_winkler_similarity(array_text_reversed(l_rest), r_text)
        end as rest_jw,
        coalesce(
            length(l_text) >= 3
            and length(r_text) >= 3
            and (starts_with(l_text, r_text) or starts_with(r_text, l_text)),
            false
        ) as is_abbreviated,
    from rest_texts
),

weighted as (
    select
        *,
        common_weight + case
            when rest_jw >= 0.88 or is_abbreviated
                then least(l_weight, r_weight) - common_weight
            else 0
        end as shared_weight,
        case
            when name_jw >= 0.94
                then 1 - levenshtein(l_compact, r_compact)
                    / cast(greatest(length(l_compact), length(r_compact)) as double)
            else 0
        end as name_spelling,
    from softened
),

-- phones that are a digit apart have the same start or the same end
shares as (
    select
        *,
        right(l_phone, 5) = right(r_phone, 5)
        or left(l_phone, length(l_phone) - 5) = left(r_phone, length(l_phone) - 5) as is_near_phone,
        shared_weight / greatest(least(l_weight, r_weight), 1) as contained,
        shared_weight / greatest(l_weight + r_weight - shared_weight, 1) as overlap,
    from weighted
),

levels as (
    select
        left_id,
        right_id,
        is_asked,
        case
            when l_name is null or r_name is null then 30
            else 3 * case
                when common is null then 9                                               -- the same
                when is_same_words then 8                                                -- in another order
                when overlap >= 0.8 or (name_jw >= 0.96 and name_spelling >= 0.88) then 7 -- nearly
                when (contained >= 0.95 and overlap >= 0.5) or (name_jw >= 0.94 and name_spelling > 0.75) then 6
                when is_acronym then 5
                when contained >= 0.95 and overlap >= 0.2 then 4                         -- one within the other
                when contained >= 0.75 or name_jw >= 0.9 then 3
                when contained >= 0.5 or name_jw >= 0.84 then 2
                when contained >= 0.3 or name_jw >= 0.78 then 1
                else 0
            end + case when shared_weight < 10 then 0 when shared_weight < 18 then 1 else 2 end
        end as name_level,
        case
            when l_name is null or r_name is null or least(l_weight, r_weight) - shared_weight < 1 then 0
            when least(l_weight, r_weight) - shared_weight < 5 then 1
            when least(l_weight, r_weight) - shared_weight < 10 then 2
            else 3
        end as rest_level,
        case
            when l_kinds in (1, 3) and r_kinds in (1, 3) then 1
            when l_kinds in (1, 3) or r_kinds in (1, 3) then 2
            else 0
        end as number_level,
        case
            when l_kinds >= 2 and r_kinds >= 2 then 2
            when l_kinds >= 2 or r_kinds >= 2 then 1
            else 0
        end as unit_level,
        case
            when metres is null then 0
            when metres < 25 then 1
            when metres < 60 then 2
            when metres < 120 then 3
            when metres < 250 then 4
            when metres < 600 then 5
            when metres < 2000 then 6
            else 7
        end as distance_level,
        case
            when l_street is null or r_street is null then case when l_house = r_house then 5 else 0 end
            when street_jw < 0.88 then case when l_house = r_house then 5 else 1 end
            when l_house is null or r_house is null then 2
            when l_house <> r_house then 3
            when l_street = r_street then 6
            else 4
        end as address_level,
        case
            when metres is not null then 0
            when l_postal = r_postal then 3
            when l_area = r_area then 2
            when l_postal <> r_postal then 1
            when l_city = r_city then 6
            when contains(l_city, r_city) or contains(r_city, l_city) then 5
            when jaro_winkler_similarity(l_city, r_city) > 0.9 then 5
            when l_city <> r_city then 4
            else 0
        end as area_level,
        case
            when l_phone = r_phone then case when phone_records > 5 then 6 else 5 end
            when l_tail = r_tail then 4
            when l_tail is null or r_tail is null then 0
            when l_phone is null or r_phone is null then 1
            when is_near_phone and levenshtein(l_phone, r_phone) <= 1 then 3
            when left(l_phone, length(l_phone) - 3) = left(r_phone, length(r_phone) - 3) then 2
            else 1
        end as phone_level,
        case
            when l_domain is null or r_domain is null then 0
            when l_domain <> r_domain then case
                when l_domain_name = r_domain_name then 2
                when jaro_winkler_similarity(l_domain_name, r_domain_name) > 0.93 then 2
                else 1
            end
            when l_page = r_page then 3
            when domain_records > 10 then case when l_page <> r_page then 4 else 5 end
            when l_page <> r_page then 6
            else 7
        end as web_level,
        case
            when is_asked = 0 then 0
            when coalesce(likelihood, 1) < 0.5 then 1
            when coalesce(likelihood, 1) < 0.75 then 2
            when coalesce(likelihood, 1) < 0.95 then 3
            else 4
        end as asked_level,
    from shares
),

-- names that are not alike at one place are neighbours, which is no evidence for a match, however near they are; and a
-- company's seat is often not where the lead is that it was asked about
final as (
    select
        left_id,
        right_id,
        is_asked = 1 as is_asked,
        name_level,
        rest_level,
        number_level,
        unit_level,
        case
            when is_asked = 1 and distance_level > 4 then 0
            when is_asked = 0 and name_level < 9 and distance_level between 1 and 5 then 8
            else distance_level
        end as distance_level,
        case
            when is_asked = 1 and address_level < 4 then 0
            when is_asked = 0 and name_level < 9 and address_level >= 4 then 7
            else address_level
        end as address_level,
        case when is_asked = 1 and area_level in (1, 4) then 0 else area_level end as area_level,
        phone_level,
        web_level,
        asked_level,
    from levels
)

select
    *,
    cast(name_level as bigint)
    + 31 * (rest_level + 4 * (number_level + 3 * (unit_level + 3 * (distance_level + 9 * (
        address_level + 8 * (area_level + 7 * (phone_level + 7 * (web_level + 8 * asked_level)))
    ))))) as pattern,
from final
