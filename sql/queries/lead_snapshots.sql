-- The newest snapshots (at most as many as the first argument) in which leads got other records, the oldest first.

with tables as (
    select table_name, schema_id, table_id
    from ducklake_table_info('lake')
),

-- candidates has a table of that name, too, but none of changes
records as (
    select r.table_id
    from tables as r
    semi join tables as m on m.schema_id = r.schema_id and m.table_name = 'lead_changes'
    where r.table_name = 'lead_records'
),

newest as (
    select s.snapshot_id, s.snapshot_time
    from ducklake_snapshots('lake') as s
    where exists (
        select 1
        from records as r
        where
            list_contains(flatten(map_values(s.changes)), cast(r.table_id as varchar))
            or list_contains(flatten(map_values(s.changes)), 'marts.lead_records')
    )
    order by s.snapshot_id desc
    limit $1
)

select snapshot_id, snapshot_time
from newest
order by snapshot_id
