-- Why a run (first argument) kept two records apart that were to merge: no row where it did not.

select reason
from lake.candidates.cuts
where
    run_id = $1
    and (
        (left_provider = $2 and left_key = $3 and right_provider = $4 and right_key = $5)
        or (left_provider = $4 and left_key = $5 and right_provider = $2 and right_key = $3)
    )
