-- Who else had the records of a lead (second argument) of a campaign (first) in the snapshot of history_version.

-- noqa: disable=all
insert into temp.lead_history
select
    getvariable('history_version') as version,
    lead_records.run_id,
    lead_records.provider,
    lead_records.provider_key,
    lead_records.lead_id,
from lake.marts.lead_records at (version => getvariable('history_version'))
semi join temp.lead_history as k
    on k.provider = lead_records.provider and k.provider_key = lead_records.provider_key and k.lead_id = $2
where lead_records.campaign_id = $1 and lead_records.lead_id <> $2
