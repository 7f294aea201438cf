-- Text keys. A key is for comparing, never for showing: lower case, no accents,
-- letters and digits of any script, one space between words.

create or replace macro text_key(s) as
    trim(regexp_replace(
        replace(replace(replace(lower(strip_accents(s)), '&', ' and '), '''', ''), '’', ''),
        '[^\p{L}\p{N}]+', ' ', 'g'
    ));

-- Most texts are plain: to see that costs an eighth of what text_key does, which only lowers their letters.
create or replace macro is_plain(s) as not regexp_matches(s, '[^A-Za-z0-9 ]|^ | $|  ');

-- The words that say what kind of company it is, not which one, go from the end of a name, as often as they stand
-- there; so does a leading article, and what stands before "doing business as". Dotted initials become a word.
create or replace macro without_legal_form(key) as
    -- noqa: disable=LT05
    regexp_replace(
        key,
        '^the |( (l l c|llc|l l p|llp|l p|lp|inc|incorporated|corp|corporation|co|company|ltd|limited|liability|plc|pllc|pc|p c|pa|gmbh|mbh|ggmbh|ag|kg|ohg|gbr|ug|e k|ek|ev|e v|se|sarl|eurl|sas|sasu|snc|srl|s r l|spa|s p a|sa|s a|sl|s l|slu|bv|b v|nv|vof|oy|oyj|ab|as|aps|a s|sro|s r o|doo|zoo|kft|zrt|ltda|eireli|pty|pte|sdn bhd|bhd|tbk|kk|and))+$',
        '', 'g'
    );

-- A name may have another before it, which it is doing business as; macros may be slow where most rows need none of
-- them, so the models ask first.
create or replace macro has_other_name(s) as
    regexp_matches(s, '(?i)\b(d/?b/?a|doing business as|trading as|t/a)\b');

create or replace macro own_name(s) as
    case
        when has_other_name(s)
            then regexp_replace(s, '(?i)^.*\b(d/?b/?a|doing business as|trading as|t/a)\b[.: ]*', '')
        when contains(s, '.') then regexp_replace(s, '\b(\pL)\.(\pL)\.(?:(\pL)\.)?', '\1\2\3 ', 'g')
        -- noqa: disable=LT05
        when unicode(s) > 12000 then regexp_replace(s, '株式会社|有限会社|合同会社|有限责任公司|股份有限公司|有限公司|주식회사', ' ', 'g')
        else s
    end;

create or replace macro name_key(s) as
    coalesce(nullif(trim(without_legal_form(text_key(own_name(s)))), ''), nullif(text_key(s), ''));

-- A city without the word that some lists add: "New York City" is "New York".
create or replace macro without_city(key) as regexp_replace(key, ' city$', '');

create or replace macro city_key(s) as nullif(without_city(text_key(s)), '');

-- A postal code as far as it names a delivery area: ZIP+4 loses its tail.
create or replace macro postal_key(s) as
    nullif(case
        when regexp_matches(s, '^\s*[0-9]{5}(-?[0-9]{4}|\.0)?\s*$') then left(trim(s), 5)
        else replace(text_key(s), ' ', '')
    end, '');

-- The district of a postal code: what stands before the last three signs of a British or Canadian code, before the
-- last two digits of another.
create or replace macro postal_area(postal) as
    case
        when postal is null then null
        when length(postal) >= 5 and regexp_matches(postal, '[a-z]') then left(postal, length(postal) - 3)
        else left(postal, greatest(3, length(postal) - 2))
    end;

-- The parts of a list, sorted, as one text.
create or replace macro sorted_text(parts) as array_to_string(list_sort(parts), '');

-- The address of a profile without what does not tell profiles apart.
create or replace macro profile_key(url) as
    nullif(regexp_replace(lower(trim(url)), '^(https?://)?(www\.)?|/*([?#].*)?$', '', 'g'), '');
