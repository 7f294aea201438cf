-- int_records_normalised: one row per record, with the keys that resolution compares
-- grain: record_id
-- keys: record_id -> intermediate.int_records_kept.record_id
-- materialize: table
-- pii: phone, email_domain

with records as (
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
        house_number(r.street) as house,
        street_core(r.street) as street,
        city_key(r.city) as city,
        postal_key(r.postal) as postal,
        r.lat,
        r.lon,
        c.phone,
        c.phone_tail,
        coalesce(c.domain, c.email_domain) as domain,
        c.email_domain,
        c.page,
    from intermediate.int_records_kept as r
    left join intermediate.int_name_tokens as n on n.record_id = r.record_id
    left join intermediate.int_contacts as c on c.record_id = r.record_id
),

final as (
    select
        r.*,
        postal_area(r.postal) as postal_area,
        split_part(r.domain, '.', 1) as domain_name,
        coalesce(p.records, 1) as phone_records,
        coalesce(d.records, 1) as domain_records,
    from records as r
    left join intermediate.int_shared_contacts as p on p.kind = 'phone' and p.contact = r.phone
    left join intermediate.int_shared_contacts as d on d.kind = 'domain' and d.contact = r.domain
)

select * from final
