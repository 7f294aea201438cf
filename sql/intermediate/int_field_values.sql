-- int_field_values: one row per value that a record of a merged lead offers for a field
-- grain: record_id, field
-- keys: none
-- materialize: table
-- pii: value
-- why: a lead of one record has nothing to choose from and skips this table

with offered as (
    select
        lead_key,
        record_id,
        adapter,
        provider,
        provider_key,
        is_answer,
        fetched_at,
        likelihood,
        unnest([ -- noqa: AL03
            -- a name in capitals only loses to the same name written with care
            {
                'field': 'name',
                'value': name,
                'norm': name_key(name),
                'care': case when name = upper(name) then 0.95 else 1.0 end
            },
            {
                'field': 'address',
                'value': nullif(concat_ws(', ', line1, city, region, postal), ''),
                'norm': concat_ws(
                    '|', house_number(line1), coalesce(street_core(line1), text_key(city)), postal_key(postal)
                ),
                'care': case when line1 is null then 0.4 when house_number(line1) is null then 0.7 else 1.0 end
            },
            {
                'field': 'geo',
                'value': case when lat is not null then concat_ws(', ', lat, lon) end,
                'norm': round(lat, 3) || ',' || round(lon, 3),
                'care': 1.0
            },
            {
                'field': 'phone',
                'value': phone,
                'norm': phone,
                'care': case when is_phone_toll_free then 0.8 else 1.0 end
            },
            {
                'field': 'website',
                'value': website,
                'norm': coalesce(domain, website),
                'care': case when domain is null then 0.5 else 1.0 end
            },
            {
                'field': 'email',
                'value': email,
                'norm': email,
                'care': case when email_verified = false then 0.5 when email_domain is null then 0.8 else 1.0 end
            },
            {'field': 'category', 'value': category, 'norm': lower(category), 'care': 1.0},
            {
                'field': 'reviews',
                'value': nullif(concat_ws(' at ', review_count, rating), ''),
                'norm': concat_ws('|', review_count, rating),
                'care': case when review_count is null or rating is null then 0.5 else 1.0 end
            },
            {'field': 'hours', 'value': cast(hours as varchar), 'norm': cast(hours as varchar), 'care': 1.0},
            {'field': 'status', 'value': status, 'norm': status, 'care': 1.0},
            {'field': 'legal_name', 'value': legal_name, 'norm': text_key(legal_name), 'care': 1.0},
            {
                'field': 'registration',
                'value': registration_id,
                'norm': regexp_replace(upper(registration_id), '[^A-Z0-9]', '', 'g'),
                'care': case when jurisdiction is null then 0.9 else 1.0 end
            },
            {'field': 'employees', 'value': employees_range, 'norm': employees_range, 'care': 1.0},
            {'field': 'revenue', 'value': revenue_range, 'norm': revenue_range, 'care': 1.0},
            {
                'field': 'founded_year',
                'value': cast(founded_year as varchar),
                'norm': cast(founded_year as varchar),
                'care': 1.0
            },
            {
                'field': 'funding',
                'value': cast(funding_usd as varchar),
                'norm': cast(funding_usd as varchar),
                'care': 1.0
            },
            {'field': 'linkedin', 'value': linkedin, 'norm': profile_key(linkedin), 'care': 1.0},
            {'field': 'twitter', 'value': twitter, 'norm': profile_key(twitter), 'care': 1.0},
            {'field': 'facebook', 'value': facebook, 'norm': profile_key(facebook), 'care': 1.0},
            {'field': 'instagram', 'value': instagram, 'norm': profile_key(instagram), 'care': 1.0},
            -- a lead has the technologies of all its records: none loses
            {'field': 'tech', 'value': nullif(array_to_string(tech_signals, ', '), ''), 'norm': 'all', 'care': 1.0}
        ], recursive := true)
    from intermediate.int_records_clean
    where lead_records > 1
),

final as (
    select
        o.lead_key,
        o.record_id,
        o.field,
        o.value,
        o.norm,
        greatest(0, date_diff('second', o.fetched_at, p.as_of) // 86400) as age_days,
        coalesce(c.confidence, 0.5) * o.care * coalesce(o.likelihood, 1) as confidence,
    from offered as o
    left join intermediate.int_field_confidence as c on c.adapter = o.adapter and c.field = o.field
    cross join runtime.params as p
    where o.value is not null and o.norm is not null
    -- one record of a provider vouches for a value once, however often it came as an answer
    qualify
        o.is_answer is not true
        or row_number() over (
            partition by o.lead_key, o.field, o.norm, o.provider, o.provider_key
            order by o.record_id -- the provider's own row comes before its answers
        ) = 1
)

select * from final
