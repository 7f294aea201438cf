-- rejected_records: one row per row of a source that the current run does not publish
-- grain: none
-- keys: none
-- materialize: table
-- pii: raw
-- why: a place that two pages show has one key and one row number twice, so repeats are
--   ranked as int_records_kept ranks them. A row that belongs to a lead the campaign does not want names it

with params as (
    select run_id, campaign_id, min_rating, review_count_min, radius_km
    from runtime.params
),

quarantined as (
    select
        q.provider,
        cast(null as varchar) as provider_key,
        q.row_number,
        q.code,
        q.reason,
        q.raw,
        cast(null as varchar) as lead_id,
    from raw.quarantine as q
    inner join params as p on p.run_id = q.run_id
),

repeated_keys as (
    select provider, provider_key, subject_provider, subject_key
    from intermediate.int_records_united
    group by provider, provider_key, subject_provider, subject_key
    having count(*) > 1
),

repeated as (
    select
        u.provider,
        u.provider_key,
        u.row_number,
        u.content_hash,
        'duplicate_key' as code,
        'an earlier row of the same source has the same key' as reason,
    from intermediate.int_records_united as u
    semi join repeated_keys as k
        on k.provider = u.provider
        and k.provider_key = u.provider_key
        and k.subject_provider is not distinct from u.subject_provider
        and k.subject_key is not distinct from u.subject_key
    qualify
        row_number() over (
            partition by u.provider, u.provider_key, u.subject_provider, u.subject_key
            order by u.row_number, u.fetched_at, u.content_hash
        ) > 1
),

unwanted as (
    select
        r.provider,
        r.provider_key,
        r.row_number,
        r.content_hash,
        l.lead_id,
        l.reject_code as code,
        case l.reject_code
            when 'closed' then 'the business has closed for good'
            when 'outside_radius'
                then format('it lies {:.1f} km away, outside {} km', l.distance_km, p.radius_km)
            when 'below_min_rating'
                then format(
                    'its rating is {}, the campaign asks for {}',
                    coalesce(cast(l.rating as varchar), 'unknown'),
                    p.min_rating
                )
            when 'too_few_reviews'
                then format(
                    'it has {} reviews, the campaign asks for {}',
                    coalesce(cast(l.review_count as varchar), 'no known'),
                    p.review_count_min
                )
        end as reason,
    from intermediate.int_leads as l
    inner join intermediate.int_record_leads as m on m.lead_key = l.lead_key
    inner join intermediate.int_records_kept as r on r.record_id = m.record_id
    cross join params as p
    where l.reject_code is not null
),

unlinked as (
    select
        r.provider,
        r.provider_key,
        r.row_number,
        r.content_hash,
        'unlinked_enrichment' as code,
        format(
            'the answer does not fit the lead that it was asked about, {} {}', r.subject_provider, r.subject_key
        ) as reason,
    from intermediate.int_records_kept as r
    left join intermediate.int_record_leads as m on m.record_id = r.record_id
    where r.subject_key is not null and m.record_id is null
),

refused as (
    select * from repeated
    union all by name
    select * from unlinked
    union all by name
    select * from unwanted
),

sources as (
    select s.provider, s.provider_key, s.content_hash, any_value(s.raw) as raw
    from raw.source_records as s
    inner join params as p on p.run_id = s.run_id
    semi join refused as f on f.provider = s.provider and f.provider_key = s.provider_key
    group by s.provider, s.provider_key, s.content_hash
),

final as (
    select * from quarantined
    union all by name
    select f.* exclude (content_hash), s.raw
    from refused as f
    left join sources as s
        on s.provider = f.provider and s.provider_key = f.provider_key and s.content_hash = f.content_hash
)

select p.campaign_id, p.run_id, f.*
from final as f
cross join params as p
