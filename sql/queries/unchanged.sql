-- One row: the run that a campaign (second argument) has published, if it was
-- made under the fingerprint (third) from the source records of the run
-- (first); else null. Sums of hashes stand for the sets: nothing is sorted.

with published as (
    select run_id
    from lake.marts.runs
    where campaign_id = $2 and fingerprint = $3
),

records as (
    select run_id, adapter, provider, provider_key, subject_provider, subject_key, content_hash, row_number, fetched_at
    from lake.raw.source_records
    where run_id = $1 or run_id in (select run_id from published)
),

rows_read as (
    select run_id, hash(adapter, provider, provider_key, subject_provider, subject_key, content_hash) as row_hash
    from records
    union all
    select run_id, hash(adapter, provider, code, reason, raw) as row_hash
    from lake.raw.quarantine
    where run_id = $1 or run_id in (select run_id from published)
    union all
    -- of a key that came with two contents, the first row stands
    select
        run_id,
        hash(provider, provider_key, arg_min(content_hash, (row_number, fetched_at, content_hash))) as row_hash,
    from records
    group by run_id, provider, provider_key, subject_provider, subject_key
    having min(content_hash) <> max(content_hash)
),

sums as (
    select
        run_id,
        {'rows': count(*), 'total': sum(cast(row_hash as hugeint)), 'mix': bit_xor(row_hash)} as contents,
    from rows_read
    group by run_id
)

select max(p.run_id) as run_id
from sums as s
inner join published as p on p.run_id = s.run_id and p.run_id <> $1
inner join sums as n on n.run_id = $1 and n.contents = s.contents
