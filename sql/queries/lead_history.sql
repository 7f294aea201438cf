-- The records that a lead (second argument) of a campaign (first) had in the snapshot of the variable history_version.

-- noqa: disable=all
insert into temp.lead_history
select
    getvariable('history_version') as version,
    lead_records.run_id,
    lead_records.provider,
    lead_records.provider_key,
    lead_records.lead_id,
from lake.marts.lead_records at (version => getvariable('history_version'))
where lead_records.campaign_id = $1 and lead_records.lead_id = $2
