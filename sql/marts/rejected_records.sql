-- rejected_records: one row per row of a source that the published run left out
-- grain: none
-- keys: none
-- materialize: table
-- pii: raw

select c.*
from candidates.rejected_records as c
inner join runtime.params as p on p.run_id = c.run_id
