-- marts.leads and marts.runs with 1,003 made-up leads of campaign c1
create table lake.marts.leads (
    campaign_id varchar, campaign varchar, run_id varchar, lead_id varchar, vertical varchar, name varchar,
    legal_name varchar, alt_names varchar[], registration_id varchar, jurisdictions varchar[], brand_name varchar,
    website varchar, domains varchar[],
    emails struct("value" varchar, "type" varchar, verified boolean, provider varchar)[],
    phones struct("value" varchar, "type" varchar, provider varchar)[],
    line1 varchar, line2 varchar, city varchar, region varchar, postal varchar, country varchar, lat double, lon double,
    linkedin varchar, twitter varchar, facebook varchar, instagram varchar, employees_range varchar, revenue_range varchar,
    founded_year integer, tech_signals varchar[], review_count bigint, rating double, last_reviewed_at timestamptz,
    hours struct(dow integer, "open" varchar, "close" varchar)[], tags varchar[], sources varchar[], record_count bigint,
    lead_score integer, tier varchar, score_explanations varchar[], score_model varchar,
    provenance struct(field varchar, provider varchar, provider_key varchar, confidence double, note varchar)[],
    losing_values struct(field varchar, "value" varchar, provider varchar, provider_key varchar, confidence double)[],
    created_at timestamptz, updated_at timestamptz
);

create table lake.marts.runs (campaign_id varchar, run_id varchar, published_at timestamptz);

insert into lake.marts.runs values
('c1', 'r1', timestamptz '2026-01-02 03:04:05+00'), ('c-empty', 'r9', timestamptz '2026-01-02 03:04:05+00');

insert into lake.marts.leads by name
select
    'c1' as campaign_id, 'Denver' as campaign, 'r1' as run_id, 'lead-' || i as lead_id, 'local_services' as vertical,
    'Business ' || i as name, i % 101 as lead_score,
    case when i % 101 >= 60 then 'A' when i % 101 >= 35 then 'B' else 'C' end as tier,
    [{'value': '+1501555' || (1000 + i), 'type': 'main', 'provider': 'list'}] as phones,
    'AR' as region, 34.7 as lat, -92.3 as lon, ['list'] as sources, ['x'] as score_explanations,
    timestamptz '2026-01-02 03:04:05+00' as updated_at
from range(1000) as r(i);

insert into lake.marts.leads by name
select 'c1' as campaign_id, 'Denver' as campaign, 'r1' as run_id, 'unscored' as lead_id, 'No score yet' as name;

insert into lake.marts.leads by name
select
    'c1' as campaign_id, 'Denver' as campaign, 'r1' as run_id, 'evil' as lead_id, 'A' as tier, 90 as lead_score,
    '=HYPERLINK("http://x","a")' as name, '@SUM(1)' as line1, '＝1+1' as line2, chr(9) || 'x' as city, '-2+3' as region,
    '-72201' as postal, '+cmd|'' /C calc''!A0' as website, -92.3 as lon,
    [
        {'value': '+15015550100', 'type': 'main', 'provider': 'list'},
        {'value': '+15015550101', 'type': 'main', 'provider': 'list'},
        {'value': '+15015550102', 'type': 'fax', 'provider': 'list'}
    ] as phones;

insert into lake.marts.leads by name
select
    'c1' as campaign_id, 'Denver' as campaign, 'r1' as run_id, 'quoted' as lead_id, 'A' as tier, 90 as lead_score,
    'Smith, "Bob" & Söhne' || chr(10) || 'Plumbing' as name,
    ['152 reviews at 4.6', 'within 25 km'] as score_explanations, timestamptz '2026-01-02 03:04:05+00' as updated_at;

insert into lake.marts.leads by name
select 'c2' as campaign_id, 'Boulder' as campaign, 'r2' as run_id, 'other' as lead_id, 'Other campaign' as name, 99 as lead_score, 'A' as tier;
