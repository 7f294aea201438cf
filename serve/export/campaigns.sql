-- one row per published campaign
select
    campaign_id,
    any_value(campaign) as campaign,
from lake.marts.leads
group by campaign_id
order by campaign, campaign_id
limit 20
