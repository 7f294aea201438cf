-- int_match_weights: one row: how much each agreement supports a match and how much each conflict leaves of it
-- grain: none
-- keys: none
-- materialize: table
-- pii: none
-- why: the first six are the seed weights of the product specification, 19.2; the rest was set on labelled sets, but
--   for those of answers, which were set so that domain, phone or name has to agree where anything is known of them

select
    -- support, 0 to 1: agreements combine by noisy-or, 1 - (1 - a)(1 - b)...
    0.97 as domain,                 -- 1.00 in the specification; a website alone must not outweigh every conflict
    0.90 as phone,
    0.80 as name_address,
    0.75 as geo_50m_name,
    0.60 as email_domain,
    0.55 as name_fuzzy,
    0.65 as name_exact,
    0.90 as phone_tail,             -- the last seven digits, within one city
    0.75 as address_name_near,
    0.40 as address_name_far,
    0.30 as address_only,
    0.35 as house_only,
    0.50 as street_only,
    0.30 as geo_200m_name,
    0.50 as geo_600m_exact_name,
    0.50 as geo_50m_name_near,
    0.55 as exact_name_postal,
    -- doubt, 0 to 1: what a conflict leaves of the support
    0.30 as name_level_0,
    0.60 as name_level_1,
    0.95 as name_level_2,
    0.40 as seconded_name_level_0,  -- the same, where phone and address both agree
    0.75 as seconded_name_level_1,
    0.95 as seconded_name_level_2,
    0.60 as other_house,
    0.75 as other_house_same_phone, -- firms move and keep their number
    0.65 as other_house_chain,      -- a shared number across towns is a chain's
    0.90 as other_street,
    0.80 as far_but_same_address,
    0.10 as over_2km,
    0.50 as over_500m,
    0.75 as over_200m,
    0.90 as other_phone,
    0.76 as other_phone_part_name,  -- one name holds the other: neighbours in one mall
    0.95 as other_domain,
    0.50 as other_area,
    0.60 as other_area_same_phone,
    0.90 as other_postal,
    0.70 as other_city,
    -- an answer and the lead that it was asked about; support = least + sure x likelihood
    0.60 as asked_least,
    0.20 as asked_sure,             -- together 0.70 at a likelihood of one half, which is the threshold
    0.75 as asked_name_level_0,     -- where domain or phone agrees: a brand and its company
    0.90 as asked_name_level_1,
    0.85 as asked_elsewhere,        -- a company's seat is often not where the lead is
    0.85 as asked_other_domain
