-- one row per source record of a published lead, without what the provider said;
-- a lead without any has one empty row, so that every part has a file
select
    serving_ranks.rank,
    lead_records.provider,
    lead_records.provider_key,
    lead_records.content_hash,
    lead_records.fetched_at,
    (serving_ranks.rank - 1) // getvariable('serving_part_rows') as part,
from temp.serving_ranks
left join lake.marts.lead_records at (version => getvariable('serving_version')) using (campaign_id, lead_id)
