-- From scratch.incremental.given, the keys and hashes of the records of a run: fresh, those that are new or changed;
-- and, where the run has all records, gone, those of the state that it has not.

create or replace table scratch.incremental.fresh as
select g.record_id
from scratch.incremental.given as g
anti join matchstate.records as r
    on r.provider = g.provider
    and r.provider_key = g.provider_key
    and r.content_hash = g.content_hash
    and r.subject_provider is not distinct from g.subject_provider
    and r.subject_key is not distinct from g.subject_key;

create or replace table scratch.incremental.gone as
select r.record_id
from matchstate.records as r
anti join scratch.incremental.given as g
    on g.provider = r.provider
    and g.provider_key = r.provider_key
    and g.subject_provider is not distinct from r.subject_provider
    and g.subject_key is not distinct from r.subject_key
where getvariable('is_all')
