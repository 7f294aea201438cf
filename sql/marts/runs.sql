-- runs: one row per campaign: the run that is published, and where its rows went
-- grain: campaign_id
-- keys: none
-- materialize: table
-- pii: none
-- why: published_at is the one reading of the real clock: when the rows became visible

select
    f.*,
    now() as published_at,
from candidates.funnel as f
inner join runtime.params as p on p.run_id = f.run_id
