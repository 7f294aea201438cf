-- one row per run and lead: what the scorer said
create table if not exists lake.candidates.lead_scores (
    run_id varchar,
    lead_id varchar,
    lead_score integer,            -- 0 to 100
    tier varchar,                  -- A, B or C
    score_explanations varchar[],  -- strongest first
    score_model varchar            -- kind and version of the scorer
)
