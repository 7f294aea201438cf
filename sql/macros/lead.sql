-- A lead's id follows from the key of the record that stands for it: a
-- name-based UUID (RFC 9562, version 3), so equal inputs give equal ids.
create or replace macro lead_uuid(provider, provider_key) as (
    select concat_ws(
        '-', left(h, 8), h[9:12], '3' || h[14:16], '8' || h[18:20], right(h, 12)
    )
    from (select md5('lead|' || provider || '|' || provider_key) as h) as hashed
);

-- A mailbox of an office and not of a person.
create or replace macro is_role_mailbox(email) as
    split_part(email, '@', 1) in (
        'info', 'contact', 'hello', 'office', 'mail', 'admin', 'sales', 'support', 'service', 'enquiries', 'inquiries',
        'team'
    );

-- The size classes of a company, as most providers cut them.
create or replace macro employees_class(n) as
    case
        when n is null or n < 1 then null
        when n <= 10 then '1-10' when n <= 50 then '11-50' when n <= 200 then '51-200' when n <= 500 then '201-500'
        when n <= 1000 then '501-1000' when n <= 5000 then '1001-5000' when n <= 10000 then '5001-10000'
        else '10001+'
    end;

-- Yearly revenue in US dollars as a class.
create or replace macro revenue_class(usd) as
    case
        when usd is null or usd < 0 then null
        when usd < 1e6 then '0-1M' when usd < 1e7 then '1M-10M' when usd < 5e7 then '10M-50M'
        when usd < 1e8 then '50M-100M' when usd < 5e8 then '100M-500M' when usd < 1e9 then '500M-1B'
        when usd < 1e10 then '1B-10B'
        else '10B+'
    end;
