-- int_field_confidence: one row per source and field: how far its value is to be trusted, 0 to 1
-- grain: adapter, field
-- keys: none
-- materialize: table
-- pii: none
-- why: these are priors; a value that several records share gains by their noisy-or. What company data bases say of
--   name, place and phone is about the company and not the shop, so three of them that agree still lose to a map

with confidence as (
    select *
    from (
        values
            ('google_places', 'name', 0.95), ('google_places', 'address', 0.95), ('google_places', 'geo', 0.97),
            ('google_places', 'phone', 0.95), ('google_places', 'website', 0.90), ('google_places', 'category', 0.85),
            ('google_places', 'reviews', 0.98), ('google_places', 'hours', 0.90), ('google_places', 'email', 0.50),
            ('google_places', 'status', 0.95),
            ('google_places_legacy', 'name', 0.95), ('google_places_legacy', 'address', 0.95),
            ('google_places_legacy', 'geo', 0.97), ('google_places_legacy', 'phone', 0.95),
            ('google_places_legacy', 'website', 0.90), ('google_places_legacy', 'category', 0.80),
            ('google_places_legacy', 'reviews', 0.98), ('google_places_legacy', 'hours', 0.90),
            ('google_places_legacy', 'status', 0.95),
            ('yelp', 'name', 0.90), ('yelp', 'address', 0.90), ('yelp', 'geo', 0.90), ('yelp', 'phone', 0.90),
            ('yelp', 'category', 0.85), ('yelp', 'reviews', 0.95), ('yelp', 'hours', 0.85), ('yelp', 'status', 0.90),
            ('overture', 'name', 0.80), ('overture', 'address', 0.80), ('overture', 'geo', 0.90),
            ('overture', 'phone', 0.75), ('overture', 'website', 0.75), ('overture', 'email', 0.60),
            ('overture', 'category', 0.75), ('overture', 'status', 0.60), ('overture', 'social', 0.70),
            ('list', 'name', 0.80), ('list', 'address', 0.80), ('list', 'geo', 0.70), ('list', 'phone', 0.75),
            ('list', 'website', 0.75), ('list', 'category', 0.60), ('list', 'reviews', 0.60), ('list', 'hours', 0.60),
            ('list', 'email', 0.75), ('list', 'status', 0.60), ('list', 'legal_name', 0.80),
            ('list', 'registration', 0.80), ('list', 'employees', 0.60), ('list', 'revenue', 0.60),
            ('list', 'founded_year', 0.70), ('list', 'social', 0.70),
            ('google_geocoding', 'geo', 0.90), ('google_geocoding', 'address', 0.70),
            ('crunchbase', 'name', 0.70), ('crunchbase', 'address', 0.40), ('crunchbase', 'phone', 0.50),
            ('crunchbase', 'website', 0.90), ('crunchbase', 'email', 0.60), ('crunchbase', 'category', 0.75),
            ('crunchbase', 'status', 0.80), ('crunchbase', 'legal_name', 0.85), ('crunchbase', 'employees', 0.80),
            ('crunchbase', 'revenue', 0.80), ('crunchbase', 'founded_year', 0.90), ('crunchbase', 'social', 0.90),
            ('crunchbase', 'tech', 0.60), ('crunchbase', 'funding', 0.95),
            ('clearbit', 'name', 0.50), ('clearbit', 'address', 0.40), ('clearbit', 'geo', 0.40),
            ('clearbit', 'phone', 0.50), ('clearbit', 'website', 0.95), ('clearbit', 'email', 0.70),
            ('clearbit', 'category', 0.75), ('clearbit', 'legal_name', 0.85), ('clearbit', 'employees', 0.80),
            ('clearbit', 'revenue', 0.75), ('clearbit', 'founded_year', 0.85), ('clearbit', 'social', 0.90),
            ('clearbit', 'tech', 0.85), ('clearbit', 'funding', 0.75),
            ('apollo', 'name', 0.50), ('apollo', 'address', 0.40), ('apollo', 'phone', 0.50),
            ('apollo', 'website', 0.90), ('apollo', 'category', 0.70), ('apollo', 'employees', 0.85),
            ('apollo', 'revenue', 0.80), ('apollo', 'founded_year', 0.85), ('apollo', 'social', 0.85),
            ('apollo', 'tech', 0.85), ('apollo', 'funding', 0.80),
            ('hunter', 'name', 0.50), ('hunter', 'address', 0.40), ('hunter', 'phone', 0.50),
            ('hunter', 'website', 0.95), ('hunter', 'email', 0.90), ('hunter', 'category', 0.60),
            ('hunter', 'employees', 0.70), ('hunter', 'social', 0.80), ('hunter', 'tech', 0.75),
            ('pdl', 'name', 0.50), ('pdl', 'address', 0.40), ('pdl', 'geo', 0.40), ('pdl', 'website', 0.85),
            ('pdl', 'category', 0.70), ('pdl', 'employees', 0.75), ('pdl', 'revenue', 0.70),
            ('pdl', 'founded_year', 0.85), ('pdl', 'social', 0.90), ('pdl', 'tech', 0.60), ('pdl', 'funding', 0.75),
            ('opencorporates', 'name', 0.50), ('opencorporates', 'address', 0.50),
            ('opencorporates', 'category', 0.50), ('opencorporates', 'status', 0.85),
            ('opencorporates', 'legal_name', 0.98), ('opencorporates', 'registration', 0.98),
            ('opencorporates', 'founded_year', 0.95)
    ) as t (adapter, field, confidence) -- noqa: AL05
),

profiles as (
    select unnest(['linkedin', 'twitter', 'facebook', 'instagram']) as field
),

final as (
    select
        c.adapter,
        coalesce(p.field, c.field) as field,
        cast(c.confidence as double) as confidence,
    from confidence as c
    left join profiles as p on c.field = 'social'
)

select * from final
