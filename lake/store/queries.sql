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
    run_id, provider, query_id, page, object_keys, records, quarantined, cost_micros, next_cursor, is_done, landed_at,
    notes, question
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
on conflict (run_id, provider, query_id, page) do update
set
    object_keys = excluded.object_keys,
    records = excluded.records,
    quarantined = excluded.quarantined,
    cost_micros = excluded.cost_micros,
    next_cursor = excluded.next_cursor,
    is_done = excluded.is_done,
    landed_at = excluded.landed_at,
    notes = excluded.notes,
    question = excluded.question

-- name: landed_pages
select
    run_id, provider, query_id, page, object_keys, records, quarantined, cost_micros, next_cursor, is_done, landed_at,
    notes, question
from landed_pages
where run_id = $1
order by provider, query_id, page

-- name: pages_of_question
select
    run_id, provider, query_id, page, object_keys, records, quarantined, cost_micros, next_cursor, is_done, landed_at,
    notes, question
from landed_pages
where provider = $1 and question = $2 and landed_at >= $3
order by landed_at, query_id, page

-- name: save_call
insert into calls (
    call_id, run_id, provider, endpoint, request_id, query_id, page, is_lookup, status, verdict, price_micros, bytes,
    millis, attempts, row_count, gives, started_at, ended_at
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
on conflict (call_id) do update
set
    status = excluded.status,
    verdict = excluded.verdict,
    price_micros = excluded.price_micros,
    bytes = excluded.bytes,
    millis = excluded.millis,
    attempts = excluded.attempts,
    row_count = excluded.row_count,
    gives = excluded.gives,
    ended_at = excluded.ended_at

-- name: open_calls
select call_id, provider, request_id, price_micros, started_at
from calls
where run_id = $1 and ended_at = 0
order by call_id

-- name: spent_calls
select provider, coalesce(sum(price_micros), 0)
from calls
where run_id = $1
group by provider
order by provider

-- name: lookup_stats
select provider, gives, count(*), sum(price_micros)
from calls
where is_lookup and ended_at > 0 and verdict in ('ok', 'miss') and run_id <> $1
group by provider, gives
order by provider, gives

-- name: calls
select
    call_id, run_id, provider, endpoint, request_id, query_id, page, is_lookup, status, verdict, price_micros, bytes,
    millis, attempts, row_count, gives, started_at, ended_at
from calls
where run_id = $1
order by started_at, call_id

-- Limits. Each is one statement, so callers of many processes take turns.

-- name: pace_calls
-- $2 the earliest, $3 the latest time of the first call, $4 what the calls take
insert into call_paces (limit_key, next_at)
values ($1, cast($2 as bigint) + cast($4 as bigint))
on conflict (limit_key) do update
set
    next_at = cast($4 as bigint)
    + case when call_paces.next_at > cast($2 as bigint) then call_paces.next_at else cast($2 as bigint) end
where call_paces.next_at <= cast($3 as bigint)
returning next_at

-- name: next_call
select next_at from call_paces where limit_key = $1

-- name: hold_calls
insert into call_paces (limit_key, next_at)
values ($1, $2)
on conflict (limit_key) do update set next_at = excluded.next_at
where call_paces.next_at < excluded.next_at

-- name: count_calls
-- $2 calls, $3 the limit, $4 now, $5 the end of a window that opens now
insert into call_counts (limit_key, used, ends_at)
values ($1, $2, $5)
on conflict (limit_key) do update
set
    used = excluded.used + case when call_counts.ends_at <= cast($4 as bigint) then 0 else call_counts.used end,
    ends_at = case when call_counts.ends_at <= cast($4 as bigint) then excluded.ends_at else call_counts.ends_at end
where call_counts.ends_at <= cast($4 as bigint) or call_counts.used + excluded.used <= cast($3 as bigint)
returning ends_at

-- name: count_ends
select ends_at from call_counts where limit_key = $1

-- name: published_runs
select run_id, spec, funnel from runs where state = 'published' order by started_at desc limit $1

-- name: spent_by_lookup
select run_id, provider, sum(price_micros), count(*) from calls where is_lookup group by run_id, provider


-- name: earlier_lookups
-- answers about leads, the oldest first: a later one of the same query wins
select
    run_id, provider, query_id, page, object_keys, records, quarantined, cost_micros, next_cursor, is_done, landed_at,
    notes, question
from landed_pages
where provider = $1 and run_id <> $2 and landed_at >= $3 and page = 1 and is_done and question = query_id
order by landed_at
