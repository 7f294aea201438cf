-- one row per source record of one lead of one campaign; a key that a source
-- repeated stands by its first row, as in the lead
select
    r.provider,
    r.provider_key,
    coalesce(r.content_hash, '') as content_hash,
    r.fetched_at,
    coalesce(s.raw, 'null') as raw,
from lake.marts.lead_records as r
left join lake.raw.source_records as s
    on s.run_id = r.run_id
    and s.provider = r.provider
    and s.provider_key = r.provider_key
    and s.content_hash = r.content_hash
where r.campaign_id = ? and r.lead_id = ?
qualify row_number() over (partition by r.provider, r.provider_key order by s.row_number) = 1
order by r.provider, r.provider_key
