package transforms

import (
	"maps"
	"slices"
	"strings"

	"github.com/leadlake/leadlake"
)

// Plan says what a run builds: the models of Schemas, and Targets. The scratch
// tables that these are made from are built as well, because scratch tables
// live for one process; lake tables that they read are taken as they stand.
type Plan struct {
	Schemas []string // such as staging, intermediate, candidates
	Targets []string // as schema.table; they are not dropped after their last use
	Keep    []string // scratch tables to keep after their last use
}

// step is one thing to build: a scratch table, or all lake tables of a schema
// in one transaction.
type step struct {
	tables []string // one scratch table, or lake models in order
	isLake bool
	checks []rowCheck // run right after, and within the transaction
	drops  []string   // scratch tables that nothing needs after this step
}

// steps turns a plan into what to do in which order.
func (p *Project) steps(plan Plan) ([]step, error) {
	selected, err := p.selection(plan)
	if err != nil {
		return nil, err
	}
	phases, err := p.phases(selected)
	if err != nil {
		return nil, err
	}
	var tables []string
	for _, table := range p.order {
		if selected[table] {
			tables = append(tables, table)
		}
	}
	slices.SortStableFunc(tables, func(a, b string) int { return phases[a] - phases[b] })
	var steps []step
	at := map[string]int{}
	for _, table := range tables {
		isLake := isLakeTable(table)
		if n := len(steps); isLake && n > 0 && steps[n-1].isLake && phases[steps[n-1].tables[0]] == phases[table] {
			steps[n-1].tables = append(steps[n-1].tables, table)
		} else {
			steps = append(steps, step{tables: []string{table}, isLake: isLake})
		}
		at[table] = len(steps) - 1
	}
	if err := p.placeChecks(steps, at); err != nil {
		return nil, err
	}
	p.placeDrops(steps, at, append(slices.Clone(plan.Keep), plan.Targets...))
	return steps, nil
}

func isLakeTable(table string) bool {
	schema, _, _ := strings.Cut(table, ".")
	return Database(schema) == "lake"
}

// selection is what the plan names, with all scratch tables behind it.
func (p *Project) selection(plan Plan) (map[string]bool, error) {
	selected := map[string]bool{}
	var add func(table string)
	add = func(table string) {
		if _, isBase := p.base[table]; isBase || selected[table] {
			return
		}
		selected[table] = true
		behind := slices.Clone(p.reads(table))
		if m, ok := p.models[table]; ok {
			for _, c := range p.checksOf(m) {
				behind = append(behind, c.reads...)
			}
		}
		for _, next := range behind {
			if !isLakeTable(next) {
				add(next)
			}
		}
	}
	for _, schema := range plan.Schemas {
		if _, ok := partitionKeys[schema]; !ok {
			return nil, leadlake.Errorf(leadlake.Invalid, "plan run: no models in schema %q", schema).
				WithFix("use %s", strings.Join(slices.Sorted(maps.Keys(partitionKeys)), ", "))
		}
		for _, table := range p.order {
			if strings.HasPrefix(table, schema+".") {
				add(table)
			}
		}
	}
	for _, table := range slices.Concat(plan.Targets, plan.Keep) {
		if !p.exists(table) {
			return nil, leadlake.Errorf(leadlake.Invalid, "plan run: nothing makes %s", table).WithFix("the nearest names are %s", p.nearest(table))
		}
	}
	for _, table := range plan.Targets {
		add(table)
	}
	return selected, nil
}

// phases numbers the tables so that each lake schema is one transaction:
// candidates are phase 1 and marts 3, a scratch table comes in the even phase
// after all it reads.
func (p *Project) phases(selected map[string]bool) (map[string]int, error) {
	own := map[string]int{"candidates": 1, "marts": 3}
	phases := map[string]int{}
	for _, table := range p.order {
		if !selected[table] {
			continue
		}
		latest, reason := 0, ""
		for _, r := range p.reads(table) {
			if selected[r] && phases[r] > latest {
				latest, reason = phases[r], r
			}
		}
		schema, _, _ := strings.Cut(table, ".")
		phase, isLake := own[schema]
		switch {
		case !isLake:
			phases[table] = latest + latest%2
		case latest > phase:
			return nil, leadlake.Errorf(leadlake.Invalid, "plan run: %s reads %s, which is made after the transaction that writes all %s models", table, reason, schema).
				WithFix("read what %s is made from instead", reason)
		default:
			phases[table] = phase
		}
	}
	return phases, nil
}

// placeChecks puts every check of the selected models after the last table it
// reads.
func (p *Project) placeChecks(steps []step, at map[string]int) error {
	for _, table := range p.order {
		first, isSelected := at[table]
		m, isModel := p.models[table]
		if !isSelected || !isModel {
			continue
		}
		for _, c := range p.checksOf(m) {
			place := first
			for _, r := range c.reads {
				if i, ok := at[r]; ok && i > place {
					place = i
				}
			}
			if steps[first].isLake && place != first {
				return fault(c.file, 1, "the check %s of %s reads %s, which is made after %s is committed", c.name, table, steps[place].tables[0], table).
					WithFix("name the check after %s", steps[place].tables[0])
			}
			steps[place].checks = append(steps[place].checks, c)
		}
	}
	return nil
}

// placeDrops finds the step after which a scratch table has no reader left. A
// reader of a view reads what is behind it. Tables that nothing reads are
// results, and stay.
func (p *Project) placeDrops(steps []step, at map[string]int, keep []string) {
	last := map[string]int{}
	var use func(table string, i int)
	use = func(table string, i int) {
		if _, ok := at[table]; !ok || isLakeTable(table) {
			return
		}
		last[table] = max(last[table], i)
		if m, ok := p.models[table]; ok && m.View {
			for _, r := range m.Reads {
				use(r, i)
			}
		}
	}
	readers := map[string]bool{}
	for i, s := range steps {
		for _, table := range s.tables {
			for _, r := range p.reads(table) {
				use(r, i)
				readers[r] = true
			}
		}
		for _, c := range s.checks {
			for _, r := range c.reads {
				use(r, i)
			}
		}
	}
	const never = 1 << 30
	for table := range at {
		if !readers[table] || slices.Contains(keep, table) {
			use(table, never)
		}
	}
	for _, table := range p.order { // the same order every time
		if i, ok := last[table]; ok && i != never {
			steps[i].drops = append(steps[i].drops, table)
		}
	}
}
