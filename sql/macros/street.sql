-- Street lines. The house number is the first number with an optional letter;
-- the core is what is left without unit, direction and street-type words.

create or replace macro house_number(s) as
    nullif(regexp_extract(lower(s), '(?:^|[^\p{L}\p{N}])([0-9]{1,6})(?:-[0-9]+)?[a-z]?(?:[^\p{L}\p{N}]|$)', 1), '');

create or replace macro street_words(s) as
    regexp_replace(
        text_key(regexp_replace(s, '(?i)(\b(suite|ste|unit|apt|apartment|room|rm|floor|fl|bldg|building)\b.*$)|#.*$|,.*(street|st|avenue|ave|floor|city)\b.*$', '', 'g')),
        '\b(street|st|str|avenue|ave|av|road|rd|boulevard|blvd|blv|drive|dr|lane|ln|court|ct|place|pl|highway|hwy|parkway|pkwy|pky|circle|cir|way|terrace|ter|trail|trl|plaza|square|sq|north|south|east|west|n|s|e|w|ne|nw|se|sw|state|us|of|the|at|suite|ste|unit)\b',
        ' ', 'g'
    );

create or replace macro street_core(s) as
    nullif(trim(regexp_replace(
        regexp_replace(street_words(s), '\b[0-9]+[a-z]?\b', ' ', ''),
        ' +', ' ', 'g'
    )), '');
