-- one row per published lead, with the part of the file that it belongs to
select
    leads.*,
    serving_ranks.rank,
    (serving_ranks.rank - 1) // getvariable('serving_part_rows') as part,
from lake.marts.leads at (version => getvariable('serving_version'))
inner join temp.serving_ranks using (campaign_id, lead_id)
