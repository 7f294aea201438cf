-- +goose Up

-- what the answer of a page said that decides what is asked next, as JSON
alter table landed_pages add column notes text not null default '';

-- what the page's query asks, wherever it looks
alter table landed_pages add column question text not null default '';

create index landed_pages_by_question on landed_pages (provider, question);

-- one row per call to a provider, written before a call that costs and
-- completed after it; a row without an end is a call of which nobody knows
-- whether it was billed, and counts as spent
create table calls (
    call_id text primary key,
    run_id text not null,
    provider text not null,
    endpoint text not null,
    request_id text not null,
    query_id text not null,
    page integer not null,
    is_lookup boolean not null,
    status integer not null,
    verdict text not null,
    price_micros bigint not null,
    bytes bigint not null,
    millis bigint not null,
    attempts integer not null,
    row_count bigint not null,
    gives text not null,
    started_at bigint not null,
    ended_at bigint not null
);

create index calls_by_run on calls (run_id, ended_at);

create index calls_by_provider on calls (provider, is_lookup);
