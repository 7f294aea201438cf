-- Makes eval.pairs from the Parquet file in the variable pairs_file.

create or replace table scratch.eval.pairs as
select
    cast(left_source as varchar) as left_source,
    cast(left_key as varchar) as left_key,
    cast(right_source as varchar) as right_source,
    cast(right_key as varchar) as right_key,
    cast(is_match as boolean) as is_match,
from read_parquet(getvariable('pairs_file'))
