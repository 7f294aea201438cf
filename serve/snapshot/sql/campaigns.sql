-- one row per published campaign
select
    campaign_id,
    coalesce(max(campaign), campaign_id) as campaign,
    count(*) as leads,
    count(*) filter (where tier = 'A') as tier_a,
    count(*) filter (where tier = 'B') as tier_b,
    count(*) filter (where tier = 'C') as tier_c,
    max(updated_at) as updated_at,
from lake.marts.leads at (version => getvariable('serving_version'))
group by campaign_id
order by campaign_id
