-- What people said about records. Rows are only ever added: who takes a link
-- back adds an undo. Times are UTC microseconds.

-- +goose Up

-- one row per pair of records that a person said to be one business, or not
create table links (
    link_id text primary key,
    change_id text not null,
    campaign_id text not null,
    left_provider text not null,
    left_key text not null,
    right_provider text not null,
    right_key text not null,
    kind text not null check (kind in ('must', 'never')),
    who text not null,
    why text not null,
    made_at bigint not null
);

create index links_by_campaign on links (campaign_id, made_at);

create index links_by_change on links (change_id);

-- one row per link that does not hold any more
create table link_undos (
    link_id text primary key references links (link_id),
    who text not null,
    why text not null,
    undone_at bigint not null
);
