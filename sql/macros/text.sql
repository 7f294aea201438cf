-- Text keys. A key is for comparing, never for showing: lower case, no accents,
-- letters and digits of any script, one space between words.

create or replace macro text_key(s) as
    trim(regexp_replace(
        replace(replace(replace(lower(strip_accents(s)), '&', ' and '), '''', ''), '’', ''),
        '[^\p{L}\p{N}]+', ' ', 'g'
    ));

-- The words that say what kind of company it is, not which one; at the end of
-- a name they go, and so does a leading article.
create or replace macro name_key(s) as
    coalesce(
        nullif(trim(regexp_replace(
            text_key(s),
            '^the |( (l l c|llc|l l p|llp|l p|lp|inc|incorporated|corp|corporation|co|company|ltd|limited|plc|pllc|pc|p c|pa|gmbh|mbh|ag|sarl|srl|bv|nv|oy|ab|as|spa|and))+$',
            '', 'g'
        )), ''),
        text_key(s)
    );

-- A postal code as far as it names a delivery area: ZIP+4 loses its tail.
create or replace macro postal_key(s) as
    nullif(case
        when regexp_matches(s, '^\s*[0-9]{5}(-?[0-9]{4})?\s*$') then left(trim(s), 5)
        else replace(text_key(s), ' ', '')
    end, '');
