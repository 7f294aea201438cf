-- Queries of deliveries, feedback and suppression. One text for SQLite and Postgres.

-- Deliveries. Where a text has {rows}, there stand as many rows of parameters.

-- name: create_delivery
insert into deliveries (
    delivery_id, destination, kind, scope, run_id, mode, undoes, mapping, state, is_bulk, given, unchanged, error,
    started_at, updated_at, ended_at
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
on conflict (delivery_id) do nothing

-- name: update_delivery
update deliveries
set state = $2, is_bulk = $3, given = $4, unchanged = $5, error = $6, updated_at = $7, ended_at = $8
where delivery_id = $1

-- name: delivery
select
    delivery_id, destination, kind, scope, run_id, mode, undoes, mapping, state, is_bulk, given, unchanged, error,
    started_at, updated_at, ended_at
from deliveries
where delivery_id = $1

-- name: deliveries
select
    delivery_id, destination, kind, scope, run_id, mode, undoes, mapping, state, is_bulk, given, unchanged, error,
    started_at, updated_at, ended_at
from deliveries
where $1 = '' or destination = $1
order by started_at desc, delivery_id desc
limit $2

-- name: open_deliveries
select
    delivery_id, destination, kind, scope, run_id, mode, undoes, mapping, state, is_bulk, given, unchanged, error,
    started_at, updated_at, ended_at
from deliveries
where destination = $1 and state <> 'done'
order by started_at, delivery_id

-- name: count_delivery
select state, op, count(*) from delivery_rows where delivery_id = $1 group by state, op order by state, op

-- name: forget_rows
delete from delivery_rows where delivery_id = $1

-- name: forget_batches
delete from delivery_batches where delivery_id = $1

-- name: plan_rows
insert into delivery_rows (
    delivery_id, destination, position, row_key, lead_id, op, payload, previous, remote_id, meta, state, attempts,
    not_before, code, reason, fix, idempotency_key, sent_at, ended_at
)
values {rows}

-- name: plan_batches
insert into delivery_batches (
    delivery_id, batch, first_position, last_position, open_rows, not_before, holder, token, expires_at, note
)
values {rows}

-- name: ready_batches
select batch
from delivery_batches
where delivery_id = $1 and open_rows > 0 and not_before <= $2 and expires_at <= $2
order by batch
limit 16

-- name: claim_batch
-- one statement, so of many callers one gets a row back
update delivery_batches
set holder = $3, token = token + 1, expires_at = $4
where delivery_id = $1 and batch = $2 and open_rows > 0 and not_before <= $5 and expires_at <= $5
returning token, first_position, last_position, note

-- name: renew_batch
-- a lease that ran out but that nobody took is still its holder's
update delivery_batches
set expires_at = $4
where delivery_id = $1 and batch = $2 and token = $3 and expires_at > 0

-- name: note_batch
update delivery_batches
set note = $4
where delivery_id = $1 and batch = $2 and token = $3 and expires_at > 0

-- name: save_batch
update delivery_batches
set open_rows = open_rows - $4, not_before = $5
where delivery_id = $1 and batch = $2 and token = $3 and expires_at > 0

-- name: release_batch
update delivery_batches
set expires_at = 0
where delivery_id = $1 and batch = $2 and token = $3

-- name: next_batch
select count(*), coalesce(min(case when not_before > expires_at then not_before else expires_at end), 0)
from delivery_batches
where delivery_id = $1 and open_rows > 0

-- name: batches_of_delivery
select batch, first_position, last_position, open_rows
from delivery_batches
where delivery_id = $1
order by batch

-- name: batch_holders
select distinct holder
from delivery_batches
where delivery_id = $1 and open_rows > 0 and expires_at > $2
order by holder

-- name: free_batches
update delivery_batches
set expires_at = 0
where delivery_id = $1 and holder = $2 and expires_at > 0

-- name: reopen_batch
update delivery_batches
set open_rows = open_rows + 1, not_before = 0
where delivery_id = $1 and first_position <= $2 and last_position >= $2

-- name: reopen_delivery
update deliveries set state = 'sending', ended_at = 0 where delivery_id = $1 and state = 'done'

-- name: delivery_rows
select
    delivery_id, destination, position, row_key, lead_id, op, payload, previous, remote_id, meta, state, attempts,
    not_before, code, reason, fix, idempotency_key, sent_at, ended_at
from delivery_rows
where delivery_id = $1 and position >= $2 and position <= $3
order by position

-- name: dead_letters
-- rows that failed, and of which no later delivery was accepted
select
    r.delivery_id, r.destination, r.position, r.row_key, r.lead_id, r.op, r.payload, r.previous, r.remote_id, r.meta,
    r.state, r.attempts, r.not_before, r.code, r.reason, r.fix, r.idempotency_key, r.sent_at, r.ended_at
from delivery_rows as r
left join delivered as d
    on r.destination = d.destination and r.row_key = d.row_key and d.accepted_at > r.ended_at
where
    r.state in ('rejected', 'dead')
    and ($1 = '' or r.destination = $1)
    and ($2 = '' or r.delivery_id = $2)
    and d.row_key is null
order by r.code, r.delivery_id, r.position
limit $3

-- name: save_rows
update delivery_rows as r
set
    op = v.column2,
    payload = v.column3,
    previous = v.column4,
    remote_id = v.column5,
    state = v.column6,
    attempts = v.column7,
    not_before = v.column8,
    code = v.column9,
    reason = v.column10,
    fix = v.column11,
    idempotency_key = v.column12,
    sent_at = v.column13,
    ended_at = v.column14,
    meta = v.column15
from (values {rows}) as v
where r.delivery_id = $1 and r.position = v.column1

-- name: save_delivered
insert into delivered (
    destination, row_key, scope, lead_id, remote_id, payload, payload_hash, meta, version, is_ours, delivery_id,
    accepted_at
)
values {rows}
on conflict (destination, row_key) do update
set
    scope = excluded.scope,
    lead_id = excluded.lead_id,
    remote_id = excluded.remote_id,
    payload = excluded.payload,
    payload_hash = excluded.payload_hash,
    meta = excluded.meta,
    version = delivered.version + 1,
    is_ours = excluded.is_ours,
    delivery_id = excluded.delivery_id,
    accepted_at = excluded.accepted_at

-- name: forget_delivered
delete from delivered where destination = $1 and row_key = $2

-- name: delivered
select
    destination, row_key, scope, lead_id, remote_id, payload, payload_hash, meta, version, is_ours, delivery_id,
    accepted_at
from delivered
where destination = $1 and row_key in {rows}

-- name: delivered_of_scope
select
    destination, row_key, scope, lead_id, remote_id, payload, payload_hash, meta, version, is_ours, delivery_id,
    accepted_at
from delivered
where destination = $1 and scope = $2 and row_key > $3
order by row_key
limit $4

-- name: delivered_by_remote_id
select
    destination, row_key, scope, lead_id, remote_id, payload, payload_hash, meta, version, is_ours, delivery_id,
    accepted_at
from delivered
where destination = $1 and remote_id = $2
order by row_key
limit 1

-- name: edit_row
-- a row that another has taken up meanwhile is not edited
update delivery_rows
set
    payload = $3, state = $4, attempts = 0, not_before = 0, idempotency_key = $5, ended_at = $6, previous = $7, meta = $8,
    code = case when $4 = 'planned' then '' else code end
where delivery_id = $1 and position = $2 and state in ('rejected', 'dead')

-- name: save_edit
insert into delivery_edits (delivery_id, position, made_at, actor, action, before_edit, after_edit)
values ($1, $2, $3, $4, $5, $6, $7)

-- name: edits_of_row
select made_at, actor, action, before_edit, after_edit
from delivery_edits
where delivery_id = $1 and position = $2
order by made_at

-- name: add_link
insert into links (
    link_id, change_id, campaign_id, left_provider, left_key, right_provider, right_key, kind, who, why, made_at
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)

-- name: links
-- $1 a campaign, '' for all; $2 whether those that were taken back are listed, too
select
    l.link_id, l.change_id, l.campaign_id, l.left_provider, l.left_key, l.right_provider, l.right_key, l.kind, l.who,
    l.why, l.made_at, coalesce(u.who, ''), coalesce(u.why, ''), coalesce(u.undone_at, 0)
from links as l
left join link_undos as u on u.link_id = l.link_id
where ($1 = '' or l.campaign_id = $1 or l.campaign_id = '*') and ($2 or u.link_id is null)
order by l.made_at, l.link_id

-- name: links_of
-- $1 a link or a change
select
    l.link_id, l.change_id, l.campaign_id, l.left_provider, l.left_key, l.right_provider, l.right_key, l.kind, l.who,
    l.why, l.made_at, coalesce(u.who, ''), coalesce(u.why, ''), coalesce(u.undone_at, 0)
from links as l
left join link_undos as u on u.link_id = l.link_id
where l.link_id = $1 or l.change_id = $1
order by l.made_at, l.link_id

-- name: undo_link
insert into link_undos (link_id, who, why, undone_at)
values ($1, $2, $3, $4)
on conflict (link_id) do nothing

-- name: open_keys
select r.row_key
from deliveries as d
inner join delivery_batches as b on d.delivery_id = b.delivery_id
inner join
    delivery_rows as r
    on b.delivery_id = r.delivery_id and b.first_position <= r.position and b.last_position >= r.position
where d.destination = $1 and d.state = 'sending' and b.open_rows > 0 and r.state in ('planned', 'sending', 'in_doubt')
order by r.row_key

-- name: last_accepted
select coalesce(max(accepted_at), 0) from delivered where destination = $1

-- name: reopen_batches_since
update delivery_batches as b
set
    not_before = 0,
    open_rows = b.open_rows + (
        select count(*)
        from delivery_rows as r
        where
            r.delivery_id = b.delivery_id and r.position >= b.first_position and r.position <= b.last_position
            and r.state = 'accepted' and r.ended_at >= $2
    )
where b.delivery_id in (select d.delivery_id from deliveries as d where d.destination = $1 and d.updated_at >= $2)

-- name: reopen_deliveries_since
update deliveries
set state = 'sending', ended_at = 0
where
    destination = $1 and state = 'done' and updated_at >= $2
    and exists (
        select 1
        from delivery_rows as r
        where r.delivery_id = deliveries.delivery_id and r.state = 'accepted' and r.ended_at >= $2
    )

-- name: replan_rows_since
update delivery_rows
set state = 'planned', attempts = 0, not_before = 0
where
    state = 'accepted' and ended_at >= $2
    and delivery_id in (select d.delivery_id from deliveries as d where d.destination = $1 and d.updated_at >= $2)

-- name: feedback_cursor
select next_cursor, observed_at, pulled_at from feedback_cursors where destination = $1

-- name: save_feedback_cursor
insert into feedback_cursors (destination, next_cursor, observed_at, pulled_at)
values ($1, $2, $3, $4)
on conflict (destination) do update
set next_cursor = excluded.next_cursor, observed_at = excluded.observed_at, pulled_at = excluded.pulled_at

-- name: feedback_cursors
select destination, next_cursor, observed_at, pulled_at from feedback_cursors order by destination

-- name: add_feedback_events
insert into feedback_events (
    destination, event_id, row_key, remote_id, kind, occurred_at, detail, received_at
)
values {rows}
on conflict (destination, event_id) do nothing

-- name: feedback_events
select destination, event_id, row_key, remote_id, kind, occurred_at, detail, received_at
from feedback_events
where destination = $1 and event_id > $2
order by event_id
limit $3

-- name: forget_feedback_event
delete from feedback_events where destination = $1 and event_id = $2

-- name: count_feedback_events
select count(*) from feedback_events where destination = $1

-- name: add_suppressions
-- what was taken off stays off until somebody asks anew, later than that
insert into suppressions (id_hash, kind, reason, source, actor, added_at, removed_by, removed_at)
values {rows}
on conflict (id_hash) do update
set
    reason = excluded.reason,
    source = excluded.source,
    actor = excluded.actor,
    added_at = excluded.added_at,
    removed_by = '',
    removed_at = 0
where suppressions.removed_at > 0 and excluded.added_at > suppressions.removed_at

-- name: remove_suppression
update suppressions set removed_by = $2, removed_at = $3 where id_hash = $1 and removed_at = 0

-- name: suppressed
select id_hash, kind, reason, source, actor, added_at, removed_by, removed_at
from suppressions
where removed_at = 0 and id_hash in {rows}
order by added_at, id_hash

-- name: suppressions
-- the newest first; with $1 those that were taken off, too
select id_hash, kind, reason, source, actor, added_at, removed_by, removed_at
from suppressions
where $1 or removed_at = 0
order by added_at desc, id_hash
limit $2

-- name: count_suppressions
select count(*) from suppressions where removed_at = 0

-- name: claim_suppression_key
insert into suppression_keys (slot, key_check)
values (1, $1)
on conflict (slot) do nothing

-- name: suppression_key
select key_check from suppression_keys where slot = 1

-- name: delivered_to
select distinct destination from deliveries order by destination
