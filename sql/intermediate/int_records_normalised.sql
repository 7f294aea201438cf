-- int_records_normalised: one row per record, with the keys that resolution compares
-- grain: record_id
-- keys: none
-- materialize: table
-- pii: phone, email_domain
-- why: the core of a street is dear to find, and many records share one, so that each is found once

with numbered_lines as (
    select distinct line_after_number(street) as line
    from intermediate.int_records_kept
    where starts_with_number(street)
),

other_lines as (
    select distinct street as line
    from intermediate.int_records_kept
    where not starts_with_number(street)
),

streets as (
    select true as is_numbered, line, street_name(line) as street
    from numbered_lines
    union all
    select false as is_numbered, line, street_core(line) as street
    from other_lines
),

records as (
    select
        *,
        starts_with_number(street) as is_numbered,
        is_plain(city) as is_plain_city,
    from intermediate.int_records_kept
),

lines as (
    select
        *,
        case when is_numbered then split_part(street, ' ', 1) else house_number(street) end as house,
        case when is_numbered then line_after_number(street) else street end as line,
        case when is_plain_city then lower(city) else text_key(city) end as city_text,
        postal_key(postal) as postal_text,
    from records
),

final as (
    select
        r.record_id,
        r.provider,
        r.provider_key,
        r.subject_provider,
        r.subject_key,
        r.likelihood,
        n.name_key,
        replace(n.name_key, ' ', '') as name_compact,
        n.words,
        n.tokens,
        n.rare_tokens,
        cast(n.name_weight as integer) as name_weight,
        n.initials,
        n.letters,
        r.house,
        s.street,
        nullif(without_city(r.city_text), '') as city,
        r.postal_text as postal,
        r.lat,
        r.lon,
        c.phone,
        c.phone_tail,
        coalesce(c.domain, c.email_domain) as domain,
        c.email_domain,
        c.page,
        postal_area(r.postal_text) as postal_area,
        split_part(coalesce(c.domain, c.email_domain), '.', 1) as domain_name,
        coalesce(p.records, 1) as phone_records,
        coalesce(d.records, 1) as domain_records,
    from lines as r
    left join streets as s on s.is_numbered = r.is_numbered and s.line = r.line
    left join intermediate.int_name_tokens as n on n.record_id = r.record_id
    left join intermediate.int_contacts as c on c.record_id = r.record_id
    left join intermediate.int_shared_contacts as p on p.kind = 'phone' and p.contact = c.phone
    left join intermediate.int_shared_contacts as d
        on d.kind = 'domain'
        and d.contact = coalesce(c.domain, c.email_domain)
)

select * from final
