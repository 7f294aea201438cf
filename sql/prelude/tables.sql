-- The tables that Go writes and models read. Every statement may run again.

-- one row per record that a source gave: what the provider said, untouched
create table if not exists lake.raw.source_records (
    run_id varchar,
    campaign_id varchar,
    adapter varchar,        -- which source package parsed it: list, google_places
    provider varchar,       -- the name the campaign gave the source; the adapter's by default
    entity_kind varchar,    -- business
    provider_key varchar,   -- the provider's own key, or the row's content hash where it has none
    request_id varchar,     -- deterministic key of the request: same request, same id
    query_id varchar,
    page integer,
    row_number bigint,      -- position in the source, from 1
    raw varchar,            -- JSON
    content_hash varchar,   -- SHA-256 of raw, hex
    fetched_at timestamptz,
    cost_micros bigint,     -- millionths of a US dollar
    licence varchar,        -- name of the licence rule that applies
    subject_provider varchar, -- of an answer about one lead: the record that stands for the lead; else null
    subject_key varchar,
);

-- lakes of before these columns
alter table lake.raw.source_records add column if not exists subject_provider varchar;
alter table lake.raw.source_records add column if not exists subject_key varchar;

-- one row per row that a source gave and that could not be read as a record
create table if not exists lake.raw.quarantine (
    run_id varchar,
    campaign_id varchar,
    adapter varchar,
    provider varchar,
    query_id varchar,
    page integer,
    row_number bigint,
    column_name varchar,
    code varchar,           -- short reason: bad_quoting, too_few_columns, ...
    reason varchar,         -- what is wrong and how to fix it
    raw varchar,            -- the row as it came, whole
    fetched_at timestamptz,
);

-- one row: what the current run is about; models join it instead of taking arguments
create table if not exists scratch.runtime.params (
    run_id varchar,
    campaign_id varchar,
    campaign varchar,
    vertical varchar,
    country varchar,        -- default country of records without one, ISO 3166-1 alpha-2
    lat double,
    lon double,
    radius_km double,
    min_rating double,
    review_count_min bigint,
    as_of timestamptz,      -- the run's start: the clock that models read
    is_enriching boolean,   -- whether the campaign asks providers about its leads
    fingerprint varchar,    -- hash of all that decides what records become: SQL, program, campaign
);

-- one row per run and lead: what the scorer said
create table if not exists lake.candidates.lead_scores (
    run_id varchar,
    lead_id varchar,
    lead_score integer,            -- 0 to 100
    tier varchar,                  -- A, B or C
    score_explanations varchar[],  -- strongest first
    score_model varchar,           -- kind and version of the scorer
    probability double,            -- of a conversion; null where rules scored
    contributions struct(feature varchar, points double)[], -- in points of the score
);

-- lakes of before these columns
alter table lake.candidates.lead_scores add column if not exists probability double;
alter table lake.candidates.lead_scores add column if not exists contributions struct(feature varchar, points double)[];

-- one row per row of a delivery: what went where and what became of it, copied from the outbox after each delivery
create table if not exists lake.marts.deliveries (
    destination varchar,           -- the name that the workspace gave it
    kind varchar,                  -- salesforce
    delivery_id varchar,
    position bigint,               -- of the row in its delivery, from 1
    campaign_id varchar,
    run_id varchar,                -- the run whose lead was delivered
    lead_id varchar,
    mode varchar,                  -- sync, add, enrich, undo
    op varchar,                    -- create, update, remove
    state varchar,                 -- accepted, rejected, dead, skipped, suppressed, dropped; planned, in_doubt while it is open
    code varchar,                  -- of what was not accepted: required_missing
    attempts integer,
    batch_id varchar,              -- null: nothing was sent
    sent_at timestamptz,           -- the last attempt
    accepted_at timestamptz,
    remote_id varchar,             -- the record's id there; null where it is made of an address
);

-- one row per outcome that a destination told: what became of a delivered lead, with its score as of the delivery
create table if not exists lake.marts.outcomes (
    outcome_id varchar,        -- destination/event
    campaign_id varchar,
    lead_id varchar,           -- as it was delivered; marts.entity_redirects says what it is now
    run_id varchar,            -- of the lead that was delivered last before the outcome
    delivery_id varchar,
    destination varchar,
    kind varchar,              -- replied, qualified, opportunity, won, lost, bounced, opted_out
    occurred_at timestamptz,   -- as the destination says
    pulled_at timestamptz,
    detail varchar,            -- in the destination's words
    delivered_at timestamptz,
    lead_score integer,
    tier varchar,
    score_model varchar,
);
