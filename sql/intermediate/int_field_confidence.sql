-- int_field_confidence: one row per source and field: how far its value is to be trusted, 0 to 1
-- grain: adapter, field
-- keys: none
-- materialize: table
-- pii: none
-- why: these are priors; a value that several records share gains by their noisy-or

with confidence as (
    select *
    from (
        values
            ('google_places', 'name', 0.95), ('google_places', 'address', 0.95), ('google_places', 'geo', 0.97),
            ('google_places', 'phone', 0.95), ('google_places', 'website', 0.90), ('google_places', 'category', 0.85),
            ('google_places', 'reviews', 0.98), ('google_places', 'hours', 0.90), ('google_places', 'email', 0.50),
            ('list', 'name', 0.80), ('list', 'address', 0.80), ('list', 'geo', 0.70),
            ('list', 'phone', 0.75), ('list', 'website', 0.75), ('list', 'category', 0.60),
            ('list', 'reviews', 0.60), ('list', 'hours', 0.60), ('list', 'email', 0.75)
    ) as t (adapter, field, confidence) -- noqa: AL05
)

select adapter, field, cast(confidence as double) as confidence
from confidence
