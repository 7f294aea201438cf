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
