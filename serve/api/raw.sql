-- one row per source record of one lead of one campaign
select
    provider,
    provider_key,
    coalesce(content_hash, '') as content_hash,
    fetched_at,
    coalesce(raw, 'null') as raw,
from lake.marts.lead_records
where campaign_id = ? and lead_id = ?
order by provider, provider_key
