-- A spreadsheet runs a cell that starts with one of = + - @ tab CR LF, or the
-- full-width forms of the signs. A leading apostrophe makes it text. Numbers and
-- E.164 phones, alone or joined by "; ", cannot call anything and stay usable.
create or replace temp macro csv_text(cell) as case
    when not regexp_matches(cell, '^[=+\-@\t\r\n＝＋－＠]') then cell
    when regexp_full_match(cell, '[+-]?[0-9]+([.][0-9]+)?') then cell
    when regexp_full_match(cell, '[+][0-9]{6,15}(; [+][0-9]{6,15})*') then cell
    else '''' || cell
end
