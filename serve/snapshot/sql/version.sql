-- one row: the newest lake snapshot that changed what is served, and whether the tables are there.
-- Snapshots may be expired: then the oldest one left stands for those before it.
with served as (
    select table_id, table_name
    from ducklake_table_info('lake')
    where table_name in ('leads', 'lead_records')
),

changed as (
    select snapshots.snapshot_id
    from ducklake_snapshots('lake') as snapshots
    where exists (
        select 1
        from served
        where list_contains(flatten(map_values(snapshots.changes)), served.table_id::varchar)
            or list_contains(flatten(map_values(snapshots.changes)), 'marts.' || served.table_name)
    )
)

select
    coalesce(
        (select max(snapshot_id) from changed),
        (select min(snapshot_id) from ducklake_snapshots('lake'))
    )::bigint as version,
    (
        select count(*) = 2
        from duckdb_tables()
        where database_name = 'lake' and schema_name = 'marts' and table_name in ('leads', 'lead_records')
    ) as is_published,
