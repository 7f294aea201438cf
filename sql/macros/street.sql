-- Street lines. The house number is the first number with an optional letter;
-- the core is what is left without unit, direction and street-type words.

create or replace macro house_number(s) as
    nullif(regexp_extract(lower(s), '\b([0-9]{1,6})(?:-[0-9]+)?[a-z]?\b', 1), '');

-- "350 5th Ave" is the plainest way to write an address. Its core is that of "5th Ave", by street_name, and many share
-- that.
create or replace macro starts_with_number(s) as regexp_matches(s, '^[0-9]{1,6} ');

create or replace macro line_after_number(s) as substr(s, length(split_part(s, ' ', 1)) + 2);

-- "ninth" and "9th" are one street.
create or replace macro ordinal_key(street) as
    case street
        when 'first' then '1st' when 'second' then '2nd' when 'third' then '3rd' when 'fourth' then '4th'
        when 'fifth' then '5th' when 'sixth' then '6th' when 'seventh' then '7th' when 'eighth' then '8th'
        when 'ninth' then '9th' when 'tenth' then '10th' when 'eleventh' then '11th' when 'twelfth' then '12th'
        else street
    end;

create or replace macro street_words(s) as
    regexp_replace(
        -- noqa: disable=LT05
        text_key(regexp_replace(s, '(?i)(\b(suite|ste|unit|apt|apartment|room|rm|floor|fl|bldg|building)\b.*$)|#.*$|,.*(street|st|avenue|ave|floor|city)\b.*$', '', 'g')),
        '\b(street|st|str|avenue|ave|av|road|rd|boulevard|blvd|blv|drive|dr|lane|ln|court|ct|place|pl|highway|hwy|parkway|pkwy|pky|circle|cir|way|terrace|ter|trail|trl|plaza|square|sq|north|south|east|west|n|s|e|w|ne|nw|se|sw|state|us|of|the|at|suite|ste|unit)\b',
        ' ', 'g'
    );

-- The core of a line without a house number.
create or replace macro street_name(s) as
    nullif(ordinal_key(trim(regexp_replace(street_words(s), ' +', ' ', 'g'))), '');

create or replace macro street_core(s) as
    nullif(ordinal_key(trim(regexp_replace(
        regexp_replace(street_words(s), '\b[0-9]+[a-z]?\b', ' ', ''),
        ' +', ' ', 'g'
    ))), '');
