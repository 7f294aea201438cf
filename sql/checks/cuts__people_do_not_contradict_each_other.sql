-- cuts__people_do_not_contradict_each_other: no never-link keeps records apart that somebody linked
-- severity: warn

select c.left_provider, c.left_key, c.right_provider, c.right_key
from candidates.cuts as c
inner join runtime.params as p on p.run_id = c.run_id
where c.reason = 'contradicting_links'
