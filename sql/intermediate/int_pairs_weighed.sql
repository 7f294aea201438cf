-- int_pairs_weighed: one row per compared pair, with its match weight from 0 to 1 and the evidence for it
-- grain: left_id, right_id
-- keys: none
-- materialize: table
-- pii: none
-- why: weight = support x doubt, so that one strong agreement can not drown a plain contradiction

with compared as (
    select
        *,
        (same_phone or same_phone_tail) and address_level = 3 as is_seconded,
        coalesce(same_phone_tail and (same_city or same_postal), false) as is_local_phone,
        coalesce(same_domain or same_phone, false) as is_identified,
        address_level < 3 and coalesce(
            address_level < 0 or metres > 2000 or (not same_city and not coalesce(same_postal, false)), false
        ) as is_elsewhere,
    from intermediate.int_pairs_compared
),

factors as (
    select
        c.left_id,
        c.right_id,
        case
            when c.is_asked then w.asked_least + w.asked_sure * greatest(0, least(1, coalesce(c.likelihood, 1)))
            else 0
        end as asked,
        case when c.same_domain then w.domain else 0 end as domain,
        case when c.same_phone then w.phone when c.is_local_phone then w.phone_tail else 0 end as phone,
        case
            when c.address_level = 3 then
                case
                    when c.name_level >= 3 then w.name_address
                    when c.name_level = 2 then w.address_name_near
                    when c.name_level = 1 then w.address_name_far
                    else w.address_only
                end
            when c.address_level = 2 and c.name_level >= 3 then w.house_only
            when c.address_level = 1 and c.name_level >= 3 then w.street_only
            else 0
        end as address,
        case
            when c.metres < 50 and c.name_level >= 3 then w.geo_50m_name
            when c.metres < 600 and c.name_level = 4 then w.geo_600m_exact_name
            when c.metres < 200 and c.name_level >= 3 then w.geo_200m_name
            when c.metres < 50 and c.name_level = 2 then w.geo_50m_name_near
            else 0
        end as geo,
        case when c.same_email_domain then w.email_domain else 0 end as email_domain,
        case when c.name_level = 4 then w.name_exact when c.name_level = 3 then w.name_fuzzy else 0 end as name,
        case when c.name_level = 4 and c.same_postal then w.exact_name_postal else 0 end as area,
        case
            when c.is_asked and c.is_nameless then 1
            when c.is_asked and c.is_identified and c.name_level = 0 then w.asked_name_level_0
            when c.is_asked and c.is_identified and c.name_level = 1 then w.asked_name_level_1
            when c.name_level = 0 then if(c.is_seconded, w.seconded_name_level_0, w.name_level_0)
            when c.name_level = 1 then if(c.is_seconded, w.seconded_name_level_1, w.name_level_1)
            when c.name_level = 2 then if(c.is_seconded, w.seconded_name_level_2, w.name_level_2)
            else 1
        end as name_doubt,
        case
            when c.is_asked then if(c.is_elsewhere and not c.is_identified, w.asked_elsewhere, 1)
            when c.address_level = -2 and c.same_phone and coalesce(c.same_postal, c.same_city, false)
                then w.other_house_same_phone
            when c.address_level = -2 and (c.same_phone or c.same_phone_tail) then w.other_house_chain
            when c.address_level = -2 then w.other_house
            when c.address_level = -1 then w.other_street
            else 1
        end as address_doubt,
        case
            when c.is_asked then 1
            when c.address_level = 3 then if(c.metres > 2000, w.far_but_same_address, 1)
            when c.metres > 2000 then w.over_2km
            when c.metres > 500 then w.over_500m
            when c.metres > 200 then w.over_200m
            else 1
        end as geo_doubt,
        case
            when c.same_phone or c.same_phone_tail or c.same_phone is null then 1
            when c.is_asked and c.is_identified then 1
            when c.is_name_contained then w.other_phone_part_name
            else w.other_phone
        end as phone_doubt,
        if(not c.same_domain, if(c.is_asked, w.asked_other_domain, w.other_domain), 1) as domain_doubt,
        case
            when c.is_asked then 1
            when c.address_level = 3 then 1
            when not c.same_city and not c.same_postal then if(c.same_phone, w.other_area_same_phone, w.other_area)
            when c.same_phone then 1
            when not c.same_postal then w.other_postal
            when not c.same_city and c.same_postal is null then w.other_city
            else 1
        end as area_doubt,
    from compared as c
    cross join intermediate.int_match_weights as w
),

final as (
    select
        left_id,
        right_id,
        cast(round(
            (
                1 - (1 - asked) * (1 - domain) * (1 - phone) * (1 - address) * (1 - geo) * (1 - email_domain)
                * (1 - name) * (1 - area)
            )
            * name_doubt * address_doubt * geo_doubt * phone_doubt * domain_doubt * area_doubt,
            6
        ) as double) as weight,
        list_filter([
            if(asked > 0, 'asked', null),
            if(domain > 0, 'domain', null), if(phone > 0, 'phone', null), if(address > 0, 'address', null),
            if(geo > 0, 'geo', null), if(email_domain > 0, 'email_domain', null), if(name > 0, 'name', null),
            if(area > 0, 'area', null), if(name_doubt < 1, 'not name', null),
            if(address_doubt < 1, 'not address', null), if(geo_doubt < 1, 'not geo', null),
            if(phone_doubt < 1, 'not phone', null), if(domain_doubt < 1, 'not domain', null),
            if(area_doubt < 1, 'not area', null)
        ], lambda e: e is not null) as evidence,
    from factors
)

select * from final
