-- Every query of the control state. One text for SQLite and Postgres.

-- name: create_run
insert into runs (run_id, campaign_id, spec, state, done_step, error, funnel, started_at, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict (run_id) do nothing

-- name: run
select run_id, campaign_id, spec, state, done_step, error, funnel, started_at, updated_at
from runs
where run_id = $1

-- name: runs
select run_id, campaign_id, spec, state, done_step, error, funnel, started_at, updated_at
from runs
where $1 = '' or campaign_id = $1
order by started_at desc, run_id desc
limit $2

-- name: unfinished_run
select run_id, campaign_id, spec, state, done_step, error, funnel, started_at, updated_at
from runs
where campaign_id = $1 and state = 'running'
order by started_at desc, run_id desc
limit 1

-- name: update_run
-- a failed or published run keeps its state
update runs
set state = $2, done_step = $3, error = $4, funnel = $5, updated_at = $6
where run_id = $1 and (state not in ('failed', 'published') or state = $2)

-- name: save_campaign
insert into campaigns (campaign_id, spec, created_at, updated_at)
values ($1, $2, $3, $3)
on conflict (campaign_id) do update set spec = excluded.spec, updated_at = excluded.updated_at

-- name: campaign
select spec from campaigns where campaign_id = $1

-- name: campaigns
select spec from campaigns order by campaign_id

-- name: acquire_lease
-- one statement, so of many callers one gets a row back
insert into leases (name, holder, token, expires_at)
values ($1, $2, 1, $3)
on conflict (name) do update
set holder = excluded.holder, token = leases.token + 1, expires_at = excluded.expires_at
where leases.expires_at <= $4
returning token

-- name: lease_holder
select holder, expires_at from leases where name = $1

-- name: held_lease
select holder, token, expires_at from leases where name = $1 and expires_at > $2

-- name: renew_lease
-- a lease that ran out but that nobody took is still its holder's
update leases
set expires_at = $4
where name = $1 and holder = $2 and token = $3 and expires_at > 0

-- name: release_lease
update leases
set expires_at = 0
where name = $1 and holder = $2 and token = $3

-- name: land_page
insert into landed_pages (
    run_id, provider, query_id, page, object_keys, records, quarantined, cost_micros, next_cursor, is_done, landed_at
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
on conflict (run_id, provider, query_id, page) do update
set
    object_keys = excluded.object_keys,
    records = excluded.records,
    quarantined = excluded.quarantined,
    cost_micros = excluded.cost_micros,
    next_cursor = excluded.next_cursor,
    is_done = excluded.is_done,
    landed_at = excluded.landed_at

-- name: landed_pages
select run_id, provider, query_id, page, object_keys, records, quarantined, cost_micros, next_cursor, is_done, landed_at
from landed_pages
where run_id = $1
order by provider, query_id, page
