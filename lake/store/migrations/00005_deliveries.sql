-- Deliveries: what is to be sent to a destination, what was, and what became of
-- it. Structures are JSON text; times are UTC microseconds, 0 where there is
-- none.

-- +goose Up

-- one row per delivery to a destination
create table deliveries (
    delivery_id text primary key,
    destination text not null,
    kind text not null,
    scope text not null,
    run_id text not null,
    mode text not null,
    undoes text not null,
    mapping text not null,
    state text not null check (state in ('planning', 'sending', 'done')),
    is_bulk boolean not null,
    given bigint not null,
    unchanged bigint not null,
    error text not null,
    started_at bigint not null,
    updated_at bigint not null,
    ended_at bigint not null
);

create index deliveries_by_destination on deliveries (destination, started_at);

-- one row per batch of a delivery, which one worker at a time holds; the token
-- grows with every holder, and what an older one writes is refused
create table delivery_batches (
    delivery_id text not null,
    batch bigint not null,
    first_position bigint not null,
    last_position bigint not null,
    open_rows bigint not null,
    not_before bigint not null,
    holder text not null,
    token bigint not null,
    expires_at bigint not null,
    note text not null,
    primary key (delivery_id, batch)
);

create index delivery_batches_open on delivery_batches (delivery_id, batch) where open_rows > 0;

-- one row per record of a delivery: the outbox. It is written before anything
-- is sent, and again with what became of it
create table delivery_rows (
    delivery_id text not null,
    position bigint not null,
    destination text not null,
    row_key text not null,
    lead_id text not null,
    op text not null,
    payload text not null,
    previous text not null,
    remote_id text not null,
    meta text not null,
    state text not null check (
        state in (
            'planned', 'sending', 'in_doubt', 'accepted', 'rejected', 'dead', 'skipped', 'suppressed', 'dropped'
        )
    ),
    attempts bigint not null,
    not_before bigint not null,
    code text not null,
    reason text not null,
    fix text not null,
    idempotency_key text not null,
    sent_at bigint not null,
    ended_at bigint not null,
    primary key (delivery_id, position)
);

create index delivery_rows_letters on delivery_rows (destination, row_key) where state in ('rejected', 'dead');

-- one row per record that a destination has accepted: what it holds of ours
create table delivered (
    destination text not null,
    row_key text not null,
    scope text not null,
    lead_id text not null,
    remote_id text not null,
    payload text not null,
    payload_hash text not null,
    meta text not null,
    version bigint not null,
    is_ours boolean not null,
    delivery_id text not null,
    accepted_at bigint not null,
    primary key (destination, row_key)
);

create index delivered_by_remote_id on delivered (destination, remote_id);

create index delivered_by_time on delivered (destination, accepted_at);

-- one row per thing that a person did to a dead letter
create table delivery_edits (
    delivery_id text not null,
    position bigint not null,
    made_at bigint not null,
    actor text not null,
    action text not null,
    before_edit text not null,
    after_edit text not null
);

create index delivery_edits_by_row on delivery_edits (delivery_id, position, made_at);
