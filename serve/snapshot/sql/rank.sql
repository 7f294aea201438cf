-- temp.serving_ranks: one row per published lead; its place in the order that the service lists leads in
create or replace temp table serving_ranks as
select
    leads.campaign_id,
    leads.lead_id,
    row_number() over (
        order by leads.lead_score desc nulls last, leads.lead_id asc, leads.campaign_id asc
    ) as rank,
from lake.marts.leads at (version => getvariable('serving_version'));
