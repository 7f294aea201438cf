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
create or replace macro has_unit(tokens) as len(list_filter(tokens, lambda t: (t >> 56) & 1 = 1)) > 0;
create or replace macro has_number(tokens) as len(list_filter(tokens, lambda t: (t >> 55) & 1 = 1)) > 0;
