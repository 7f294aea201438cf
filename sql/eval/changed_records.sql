-- Makes eval.changed: the records of the file in records_file, of which getvariable('changes') are new or changed and a
-- quarter as many gone. Three of four have another name, phone or street, one is a record again under another key, with
-- a word less in its name. Which they are follows from the keys alone.

create or replace table scratch.eval.changed as
with records as (
    select
        *,
        row_number() over (order by md5(source || '|' || source_key), source, source_key) as place,
    from read_parquet(getvariable('records_file'))
    where source_key is not null
),

kinds as (
    select
        *,
        case
            when 4 * place <= getvariable('changes') then 'gone'
            when 2 * place <= getvariable('changes') then 'twin'
            when 4 * place <= 5 * getvariable('changes') then 'other'
            else 'same'
        end as kind,
    from records
),

final as (
    select * exclude (place, kind)
    from kinds
    where kind in ('same', 'twin')
    union all by name
    select
        * exclude (place, kind)
        replace (
            source_key || ' twin' as source_key,
            coalesce(nullif(regexp_replace(name, ' [^ ]+$', ''), ''), name) as name
        ),
    from kinds
    where kind = 'twin'
    union all by name
    select
        * exclude (place, kind)
        replace (
            case when place % 3 = 0 then name || ' ' || chr(cast(65 + place % 26 as integer)) else name end as name,
            case
                when place % 3 = 1
                    then left(phone, length(phone) - 2) || lpad(cast(place % 100 as varchar), 2, '0')
                else phone
            end as phone,
            case place % 3 when 2 then '1' || street else street end as street
        ),
    from kinds
    where kind = 'other'
)

select * from final
