-- What comes back from destinations, and who must not be contacted. Times are
-- UTC microseconds, 0 where there is none.

-- +goose Up

-- one row per destination whose outcomes were pulled: how far that is
create table feedback_cursors (
    destination text primary key,
    next_cursor text not null,
    observed_at bigint not null,
    pulled_at bigint not null
);

-- one row per outcome that is not in the lake yet: it came in by a call, or it
-- is about a record that no delivery is known of
create table feedback_events (
    destination text not null,
    event_id text not null,
    row_key text not null,
    remote_id text not null,
    kind text not null check (
        kind in ('replied', 'qualified', 'opportunity', 'won', 'lost', 'bounced', 'opted_out')
    ),
    occurred_at bigint not null,
    detail text not null,
    received_at bigint not null,
    primary key (destination, event_id)
);

-- one row per address, number, domain or lead that nobody must be contacted
-- by; only its keyed hash is here. Who takes it off leaves the row
create table suppressions (
    id_hash text primary key,
    kind text not null check (kind in ('email', 'phone', 'domain', 'lead')),
    reason text not null,
    source text not null,
    actor text not null,
    added_at bigint not null,
    removed_by text not null,
    removed_at bigint not null
);

create index suppressions_by_time on suppressions (added_at, id_hash);

-- one row: what the key of the hashes makes of a known text, so that a wrong
-- key is noticed
create table suppression_keys (
    slot bigint primary key check (slot = 1),
    key_check text not null
);
