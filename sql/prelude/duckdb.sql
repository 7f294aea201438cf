-- Names that every engine defines: what blocking, comparing and weighing need beyond the SQL that engines share.
-- A later file spark.sql gives the same names on Spark.

-- one row an element; null and empty give none
create or replace macro explode(items) as unnest(items);

-- what two arrays share, and what only the first has
create or replace macro array_common(a, b) as list_intersect(a, b);
create or replace macro array_minus(a, b) as list_filter(a, lambda x: not list_contains(b, x));
create or replace macro array_size(items) as len(items);
create or replace macro array_text(items) as array_to_string(items, '');
create or replace macro array_text_reversed(items) as array_to_string(list_reverse(items), '');

-- Tokens are words as numbers (transforms/names.go): their weights, in half nats, and their kinds.
create or replace macro tokens_weight(tokens) as
    cast(coalesce(list_sum(list_transform(tokens, lambda t: t >> 57)), 0) as integer);
-- 1 where one of them is a number or a single letter, 2 where one names a part of a business, 3 where both are there
create or replace macro tokens_kinds(tokens) as coalesce((list_bit_or(tokens) >> 55) & 3, 0);
