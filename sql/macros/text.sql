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
            -- noqa: disable=LT05
            '^the |( (l l c|llc|l l p|llp|l p|lp|inc|incorporated|corp|corporation|co|company|ltd|limited|plc|pllc|pc|p c|pa|gmbh|mbh|ag|sarl|srl|bv|nv|oy|ab|as|spa|and))+$',
            '', 'g'
        )), ''),
        nullif(text_key(s), '')
    );

-- A city without the word that some lists add: "New York City" is "New York".
create or replace macro city_key(s) as
    nullif(regexp_replace(text_key(s), ' city$', ''), '');

-- A postal code as far as it names a delivery area: ZIP+4 loses its tail.
create or replace macro postal_key(s) as
    nullif(case
        when regexp_matches(s, '^\s*[0-9]{5}(-?[0-9]{4})?\s*$') then left(trim(s), 5)
        else replace(text_key(s), ' ', '')
    end, '');

-- One spelling for a word that lists abbreviate.
create or replace macro word_key(w) as
    case w
        when 'svc' then 'service' when 'svcs' then 'service' when 'services' then 'service'
        when 'ctr' then 'center' when 'centre' then 'center' when 'cntr' then 'center'
        when 'assoc' then 'associates' when 'assn' then 'association'
        when 'dept' then 'department' when 'mgmt' then 'management' when 'mgt' then 'management'
        when 'mfg' then 'manufacturing' when 'constr' then 'construction' when 'const' then 'construction'
        when 'intl' then 'international' when 'natl' then 'national' when 'amer' then 'american'
        when 'ins' then 'insurance' when 'inst' then 'institute' when 'univ' then 'university'
        when 'bros' then 'brothers' when 'rest' then 'restaurant' when 'apts' then 'apartments'
        when 'chr' then 'church' when 'hosp' then 'hospital' when 'med' then 'medical'
        when 'sch' then 'school' when 'elem' then 'elementary' when 'st' then 'saint' when 'mt' then 'mount'
        when 'equip' then 'equipment' when 'engr' then 'engineering' when 'eng' then 'engineering'
        when 'fin' then 'financial' when 'tech' then 'technology' when 'technologies' then 'technology'
        else w
    end;

-- The distinct words of a name key, sorted, without those that tell nothing.
create or replace macro name_words(key) as
    list_sort(list_distinct(list_transform(
        list_filter(
            string_split(key, ' '),
            lambda w: w not in ('and', 'of', 'the', 'in', 'at', 'for', 'de', 'la', 'inc', 'co', 'llc')
        ),
        lambda w: word_key(w)
    )));

-- The parts of a list, sorted, as one text.
create or replace macro sorted_text(parts) as array_to_string(list_sort(parts), '');

-- The address of a profile without what does not tell profiles apart.
create or replace macro profile_key(url) as
    nullif(regexp_replace(lower(trim(url)), '^(https?://)?(www\.)?|/*([?#].*)?$', '', 'g'), '');
