-- The serving file. Rank is the place of a lead in the order of the service, from 1.

create table meta (
    key text primary key,
    value text not null
) without rowid;

-- one row per campaign; updated_at in microseconds UTC
create table campaigns (
    campaign_id text primary key,
    campaign text not null,
    leads integer not null,
    tier_a integer not null,
    tier_b integer not null,
    tier_c integer not null,
    updated_at integer not null
) without rowid;

-- one row per lead; score is -1 where there is none; body and records are JSON
create table leads (
    rank integer primary key,
    lead_id text not null,
    campaign_id text not null,
    score integer not null,
    body blob not null,
    records blob
);

-- one row per part and term; ranks is a Roaring bitmap
create table postings (
    part integer not null,
    term text not null,
    ranks blob not null,
    primary key (part, term)
) without rowid;
