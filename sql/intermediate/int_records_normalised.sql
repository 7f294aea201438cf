-- int_records_normalised: one row per record, with the keys that resolution compares
-- grain: record_id
-- keys: record_id -> intermediate.int_records_kept.record_id
-- materialize: table
-- pii: phone, email

with records as (
    select
        r.record_id,
        r.provider,
        r.provider_key,
        r.subject_provider,
        r.subject_key,
        r.likelihood,
        name_key(r.name) as name_key,
        house_number(r.street) as house,
        street_core(r.street) as street,
        city_key(r.city) as city,
        postal_key(r.postal) as postal,
        r.lat,
        r.lon,
        c.phone,
        c.phone_tail,
        c.domain,
        c.email,
        c.email_domain,
    from intermediate.int_records_kept as r
    left join intermediate.int_contacts as c on c.record_id = r.record_id
),

final as (
    select
        *,
        replace(name_key, ' ', '') as name_compact,
        name_words(name_key) as name_tokens,
        -- sorted letters, so that "Textiles, Blackwell" is "BT" as well
        sorted_text(list_transform(string_split(name_key, ' '), lambda t: left(t, 1))) as name_initials,
        case
            when length(name_key) <= 11 then sorted_text(string_split(replace(name_key, ' ', ''), ''))
        end as name_letters,
    from records
)

select * from final
