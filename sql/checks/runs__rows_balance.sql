-- runs__rows_balance: every row that was read is published, rejected, suppressed, merged or expired
-- severity: error

select *
from marts.runs
where read <> published + rejected + suppressed + merged + expired
