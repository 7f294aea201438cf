-- The leads of a run that a provider may be asked about, best first.

select
    lead_id,
    provider,
    provider_key,
    coalesce(name, '') as name,
    coalesce(domain, '') as domain,
    coalesce(email, '') as email,
    coalesce(phone, '') as phone,
    coalesce(street, '') as street,
    coalesce(city, '') as city,
    coalesce(region, '') as region,
    coalesce(postal, '') as postal,
    coalesce(country, '') as country,
    lat,
    lon,
    coalesce(registration, '') as registration,
    coalesce(jurisdiction, '') as jurisdiction,
    array_to_string(known, ',') as known,
from lake.candidates.lookups
where run_id = $1
order by source_count desc, review_count desc nulls last, lead_id asc
