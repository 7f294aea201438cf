-- one row per Parquet file to write: its tier, the last lead in it and its
-- number of rows. The parameter is the most rows that a file
-- holds.
with ranked as (
    select
        tier,
        coalesce(lead_score, -1) as score,
        lead_id,
        row_number() over (partition by tier order by coalesce(lead_score, -1) desc, lead_id) as n,
        count(*) over (partition by tier) as tier_rows,
    from export_selection
)

select
    tier,
    score,
    lead_id,
    n - coalesce(lag(n) over (partition by tier order by n), 0) as file_rows,
from ranked
where n % ? = 0 or n = tier_rows
order by tier nulls last, n
