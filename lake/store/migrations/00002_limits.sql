-- Limits of providers, shared by all processes of a workspace. A key names a
-- provider, an account and what is limited; times are UTC microseconds.

-- +goose Up

-- one row per key whose calls are spread: when the next one may go
create table call_paces (
    limit_key text primary key,
    next_at bigint not null
);

-- one row per key whose calls are counted: how many there were in the window
create table call_counts (
    limit_key text primary key,
    used bigint not null,
    ends_at bigint not null
);
