-- Made-up leads: scores tie often, every 17th lead has none, few leads have most optional fields.
begin;

insert into lake.marts.leads by name
with numbers as (
    select i, (i * 7919) % 101 as roll
    from range(getvariable('fill_from'), getvariable('fill_to')) as numbers(i)
)

select
    case when i % 3 = 0 then 'denver-plumbers-q4' else 'boise-bakers' end as campaign_id,
    case when i % 3 = 0 then 'Denver Plumbers Q4' else 'Boise Bakers' end as campaign,
    'run-1' as run_id,
    md5('lead ' || i)::uuid::varchar as lead_id,
    case when i % 3 = 0 then 'local_services' else 'ecommerce' end as vertical,
    ['Acme', 'Zoë''s', 'Blue Sky', 'Café', 'Summit'][1 + i % 5] || ' ' || ['Plumbing', 'Bakery', 'Plumbers'][1 + i % 3] || ' ' || i as name,
    case when i % 4 = 0 then 'Holding ' || i || ' LLC' end as legal_name,
    case when i % 10 = 0 then ['Old Name ' || i] else [] end as alt_names,
    'https://www.shop' || i || '.example' as website,
    ['shop' || i || '.example'] as domains,
    [{'value': 'info@shop' || i || '.example', 'type': 'generic', 'verified': i % 2 = 0, 'provider': 'list_a'}] as emails,
    [{'value': '+1303555' || lpad((i % 10000)::varchar, 4, '0'), 'type': 'main', 'provider': 'list_a'}] as phones,
    i || ' Main St' as line1,
    ['Denver', 'Boise', 'São Paulo'][1 + i % 3] as city,
    ['CO', 'ID', 'SP', 'WY'][1 + i % 4] as region,
    39.7 as lat,
    -104.9 as lon,
    i % 50 as review_count,
    case when i % 2 = 0 then 4.5 end as rating,
    ['cakes <&> more'] as tags,
    ['list_a'] as sources,
    1 as record_count,
    case when i % 17 <> 0 then roll end as lead_score,
    case when roll >= 75 then 'A' when roll >= 50 then 'B' else 'C' end as tier,
    ['phone: +10'] as score_explanations,
    'rules@1' as score_model,
    [{'field': 'name', 'provider': 'list_a', 'provider_key': i::varchar, 'confidence': 0.9, 'note': null}] as provenance,
    timestamptz '2026-01-02 03:04:05Z' as created_at,
    timestamptz '2026-02-03 04:05:06Z' as updated_at,
from numbers;

insert into lake.marts.lead_records by name
select
    case when i % 3 = 0 then 'denver-plumbers-q4' else 'boise-bakers' end as campaign_id,
    'run-1' as run_id,
    md5('lead ' || i)::uuid::varchar as lead_id,
    'list_a' as provider,
    i::varchar as provider_key,
    sha256(i::varchar) as content_hash,
    timestamptz '2026-01-01 00:00:00Z' as fetched_at,
    true as is_representative,
from range(getvariable('fill_from'), getvariable('fill_to')) as numbers(i);

insert into lake.raw.source_records by name
select
    'run-1' as run_id,
    'list_a' as provider,
    i::varchar as provider_key,
    sha256(i::varchar) as content_hash,
    i as row_number,
    '{"name":"Row ' || i || '"}' as raw,
from range(getvariable('fill_from'), getvariable('fill_to')) as numbers(i);

commit;
