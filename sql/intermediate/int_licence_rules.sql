-- int_licence_rules: one row per licence and field: how long a value may be kept and whether it may leave the lake
-- grain: licence, field
-- keys: none
-- materialize: table
-- pii: none
-- why: from the providers' terms as of 2026; null days are no limit. id is the provider's own key. Nothing is
--   deleted by these rules yet: they say what a retention and an export have to hold

with fields as (
    select unnest([ -- noqa: AL03
        'id', 'name', 'address', 'geo', 'phone', 'website', 'email', 'category', 'reviews', 'hours', 'status',
        'legal_name', 'registration', 'employees', 'revenue', 'founded_year', 'social', 'tech', 'funding'
    ]) as field
),

-- what holds for all fields of a licence that are not named below
licences as (
    select *
    from (
        values
            -- a person's own list: theirs to keep and to use
            ('user_list', null, true, null),
            -- Maps service terms: no copy of names, addresses or reviews beyond what caching allows
            ('google_places', 30, false, 'Google Maps'),
            ('google_places_legacy', 30, false, 'Google Maps'),
            ('google_geocoding', 30, false, 'Google Maps'),
            -- Yelp API terms: 24 hours, and its logo with a link where it is shown
            ('yelp', 1, false, 'Yelp'),
            -- data licence without redistribution
            ('crunchbase', null, false, 'Powered by Crunchbase'),
            ('clearbit', null, true, null),
            ('hunter', null, true, null),
            ('apollo', null, true, null),
            ('pdl', null, true, null),
            -- share-alike unless a contract lifts it
            ('opencorporates', null, true, 'from OpenCorporates, under ODbL: derived data bases are shared alike'),
            -- CDLA permissive 2.0, with ODbL parts
            ('overture', null, true, 'Overture Maps Foundation, overturemaps.org')
    ) as t (licence, may_store_days, may_export, attribution) -- noqa: AL05
),

exceptions as (
    select *
    from (
        values
            -- keys are exempt from the limits of caching
            ('google_places', 'id', null, true),
            ('google_places_legacy', 'id', null, true),
            ('google_geocoding', 'id', null, true),
            ('yelp', 'id', null, true)
    ) as t (licence, field, may_store_days, may_export) -- noqa: AL05
),

final as (
    select
        l.licence,
        f.field,
        cast(if(e.licence is null, l.may_store_days, e.may_store_days) as integer) as may_store_days,
        coalesce(e.may_export, l.may_export) as may_export,
        l.attribution,
    from licences as l
    cross join fields as f
    left join exceptions as e on e.licence = l.licence and e.field = f.field
)

select * from final
