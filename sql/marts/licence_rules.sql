-- licence_rules: one row per campaign, licence and field: what may be done with values of that licence
-- grain: campaign_id, licence, field
-- keys: none
-- materialize: table
-- pii: none

select p.campaign_id, r.*
from intermediate.int_licence_rules as r
cross join runtime.params as p
