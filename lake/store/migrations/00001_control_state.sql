-- The control state. One text for SQLite and Postgres; times are UTC
-- microseconds, 0 where there is none; structures are JSON text.

-- +goose Up

-- one row per campaign
create table campaigns (
    campaign_id text primary key,
    spec text not null,
    created_at bigint not null,
    updated_at bigint not null
);

-- one row per run
create table runs (
    run_id text primary key,
    campaign_id text not null,
    spec text not null,
    state text not null check (state in ('running', 'awaiting_approval', 'published', 'rejected', 'failed')),
    done_step text not null,
    error text not null,
    funnel text not null,
    started_at bigint not null,
    updated_at bigint not null
);

create index runs_by_campaign on runs (campaign_id, started_at);

create index runs_unfinished on runs (campaign_id, started_at) where state = 'running';

-- one row per lease ever taken; the token only grows, so a row is never deleted
create table leases (
    name text primary key,
    holder text not null,
    token bigint not null,
    expires_at bigint not null
);

-- one row per page of a query whose records are durable
create table landed_pages (
    run_id text not null,
    provider text not null,
    query_id text not null,
    page integer not null,
    object_keys text not null,
    records bigint not null,
    quarantined bigint not null,
    cost_micros bigint not null,
    next_cursor text not null,
    is_done boolean not null,
    landed_at bigint not null,
    primary key (run_id, provider, query_id, page)
);
