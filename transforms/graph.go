package transforms

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/leadlake/leadlake"
)

// Project is the graph of all models, checks and tables made by Go.
type Project struct {
	models    map[string]*Model
	externals map[string]External
	base      map[string]string
	checks    []*Check
	scripts   []Script
	order     []string // models and externals, each after what it reads
}

// Load reads the models below sql/ of fsys and orders them. The session is
// only asked to parse. One error names every fault with its file and line.
func Load(ctx context.Context, fsys fs.FS, q Querier, externals ...External) (*Project, error) {
	f, err := readFiles(fsys)
	if err != nil {
		return nil, loadError(err)
	}
	p := &Project{models: map[string]*Model{}, externals: map[string]External{}, base: f.base, checks: f.checks, scripts: f.scripts}
	refs := map[string][]tableRef{}
	var faults []error
	note := func(err error) {
		if err != nil {
			faults = append(faults, err)
		}
	}
	for _, e := range externals {
		note(p.addExternal(e))
		for _, table := range e.Reads {
			refs[e.Table] = append(refs[e.Table], tableRef{table: table, file: "external " + e.Table, line: 1})
		}
	}
	for _, m := range f.models {
		note(p.addModel(m))
		refs[m.Table()], err = readTables(ctx, q, m.File, m.SQL)
		note(err)
		m.Reads = tableNames(refs[m.Table()])
	}
	for _, name := range slices.Sorted(maps.Keys(refs)) {
		note(p.checkRefs(refs[name]))
	}
	for _, m := range f.models {
		for _, k := range m.Keys {
			note(p.checkRefs([]tableRef{{table: k.Table, file: m.File, line: 1}}))
		}
	}
	for _, c := range p.checks {
		refs, err := readTables(ctx, q, c.File, c.SQL)
		note(err)
		c.Reads = tableNames(refs)
		note(p.checkRefs(refs))
		note(p.setOwner(c))
	}
	if len(faults) > 0 {
		return nil, loadError(errors.Join(faults...))
	}
	if p.order, err = p.sorted(); err != nil {
		return nil, loadError(err)
	}
	return p, nil
}

func loadError(err error) error {
	return leadlake.Errorf(leadlake.Invalid, "load models: %w", err)
}

func (p *Project) addExternal(e External) error {
	schema, _, _ := strings.Cut(e.Table, ".")
	if Database(schema) != "scratch" {
		return leadlake.Errorf(leadlake.Invalid, "external %s is not in the scratch database", e.Table).
			WithFix("use intermediate or staging; a lake table that Go writes is declared in sql/prelude/tables.sql")
	}
	if e.Columns == "" || e.Build == nil {
		return leadlake.Errorf(leadlake.Invalid, "external %s lacks Columns or Build", e.Table).WithFix("set both")
	}
	if _, ok := p.externals[e.Table]; ok {
		return leadlake.Errorf(leadlake.Invalid, "external %s is declared twice", e.Table).WithFix("keep one")
	}
	p.externals[e.Table] = e
	return nil
}

func (p *Project) addModel(m *Model) error {
	other := ""
	if first, ok := p.models[m.Table()]; ok {
		other = first.File
	} else if _, ok := p.externals[m.Table()]; ok {
		other = "an external table"
	} else if file, ok := p.base[m.Table()]; ok {
		other = file
	}
	p.models[m.Table()] = m
	if other != "" {
		return fault(m.File, 1, "%s is made by %s as well", m.Table(), other).WithFix("rename one of the two")
	}
	return nil
}

// setOwner finds the model that a check belongs to: the one of its name that
// it reads, and the one published last where it reads several.
func (p *Project) setOwner(c *Check) error {
	best, found := "", []string{}
	for _, schema := range []string{"marts", "candidates", "intermediate", "staging"} {
		// stg_list__business has __ in its name: the longest name that fits wins
		for table, m := range p.models {
			if m.Schema == schema && strings.HasPrefix(c.Name, m.Name+"__") {
				found = append(found, table)
				if slices.Contains(c.Reads, table) && len(m.Name) > len(p.ownerName(best)) {
					best = table
				}
			}
		}
	}
	c.Model = best
	if best != "" {
		return nil
	}
	if len(found) > 0 {
		return fault(c.File, 1, "the check does not read %s, which it is named after", strings.Join(found, " or ")).WithFix("read it, or rename the check")
	}
	name, _, _ := strings.Cut(c.Name, "__")
	return fault(c.File, 1, "there is no model %s", name).WithFix("name the check <model>__<claim>.sql; models near that name: %s", p.nearest(name))
}

func (p *Project) ownerName(table string) string {
	if m, ok := p.models[table]; ok {
		return m.Name
	}
	return ""
}

func (p *Project) exists(table string) bool {
	_, isModel := p.models[table]
	_, isExternal := p.externals[table]
	_, isBase := p.base[table]
	return isModel || isExternal || isBase
}

func (p *Project) checkRefs(refs []tableRef) error {
	var faults []error
	for _, r := range refs {
		if !p.exists(r.table) {
			faults = append(faults, fault(r.file, r.line, "reads %s, which nothing makes", r.table).WithFix("the nearest names are %s", p.nearest(r.table)))
		}
	}
	return errors.Join(faults...)
}

// nearest lists the three tables with the names most like the one given.
func (p *Project) nearest(table string) string {
	var names []string
	names = slices.AppendSeq(names, maps.Keys(p.models))
	names = slices.AppendSeq(names, maps.Keys(p.externals))
	names = slices.AppendSeq(names, maps.Keys(p.base))
	sort.Strings(names)
	return strings.Join(Nearest(table, names), ", ")
}

// reads are the tables that a model or an external table is made from.
func (p *Project) reads(table string) []string {
	if m, ok := p.models[table]; ok {
		return m.Reads
	}
	return p.externals[table].Reads
}

// sorted puts every table after those it reads, the same way each time.
func (p *Project) sorted() ([]string, error) {
	const open, done = 1, 2
	state := map[string]int{}
	var order, path []string
	var visit func(table string) error
	visit = func(table string) error {
		switch state[table] {
		case done:
			return nil
		case open:
			cycle := append(slices.Clone(path[slices.Index(path, table):]), table)
			return leadlake.Errorf(leadlake.Invalid, "models read each other in a circle: %s", strings.Join(cycle, " -> ")).
				WithFix("take one of the references out")
		}
		state[table] = open
		path = append(path, table)
		for _, next := range p.reads(table) {
			if err := visit(next); err != nil {
				return err
			}
		}
		path = path[:len(path)-1]
		state[table] = done
		if _, isBase := p.base[table]; !isBase {
			order = append(order, table)
		}
		return nil
	}
	names := slices.AppendSeq(slices.Collect(maps.Keys(p.models)), maps.Keys(p.externals))
	sort.Strings(names)
	for _, table := range names {
		if err := visit(table); err != nil {
			return nil, err
		}
	}
	return order, nil
}

// Order lists all models and external tables, each after what it reads.
func (p *Project) Order() []string { return slices.Clone(p.order) }

// Model returns the model of a table.
func (p *Project) Model(table string) (*Model, bool) { m, ok := p.models[table]; return m, ok }

// External returns the external of a table.
func (p *Project) External(table string) (External, bool) { e, ok := p.externals[table]; return e, ok }

// Checks lists the checks written by hand, in the order of their files.
func (p *Project) Checks() []*Check { return slices.Clone(p.checks) }

// Prepare runs the prelude and defines the macros. A macro may use macros of
// files that come later in the alphabet: what fails is tried again as long as
// others succeed.
func (p *Project) Prepare(ctx context.Context, q Querier) error {
	for pending := p.scripts; len(pending) > 0; {
		var failed []Script
		var faults []error
		for _, s := range pending {
			if err := q.Exec(ctx, s.SQL); err != nil {
				failed = append(failed, s)
				faults = append(faults, SQLError("run script", s.File, err))
			}
		}
		if len(failed) == len(pending) {
			return errors.Join(faults...)
		}
		pending = failed
	}
	return nil
}

// tableRef is a table that a file reads.
type tableRef struct {
	table string // schema.table
	file  string
	line  int
}

func tableNames(refs []tableRef) []string {
	names := make([]string, len(refs))
	for i, r := range refs {
		names[i] = r.table
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// readTables asks DuckDB's parser which tables a SELECT reads.
func readTables(ctx context.Context, q Querier, file, text string) ([]tableRef, error) {
	var answer string
	err := q.QueryRow(ctx, "select cast(json_serialize_sql(cast(? as varchar), skip_null := true, skip_empty := true) as varchar)", text).Scan(&answer)
	if err != nil {
		return nil, fault(file, 1, "parse model: %w", err)
	}
	var parsed struct {
		Error        bool   `json:"error"`
		ErrorMessage string `json:"error_message"`
		Position     string `json:"position"`
		Statements   []any  `json:"statements"`
	}
	if err := json.Unmarshal([]byte(answer), &parsed); err != nil {
		return nil, fmt.Errorf("%s: read parser answer: %w", file, err)
	}
	if parsed.Error {
		position, _ := strconv.Atoi(parsed.Position) // absent for what is no SELECT: line 1
		return nil, fault(file, lineAt(text, position), "%s", parsed.ErrorMessage).WithFix("a model is one plain SELECT; PIVOT and DDL cannot be read")
	}
	if len(parsed.Statements) != 1 {
		return nil, fault(file, 1, "%d statements", len(parsed.Statements)).WithFix("a model is one SELECT")
	}
	w := refWalker{file: file, text: text}
	w.walk(parsed.Statements[0], nil)
	return w.refs, errors.Join(w.faults...)
}

// refWalker collects BASE_TABLE nodes of a parsed SELECT.
type refWalker struct {
	file, text string
	refs       []tableRef
	faults     []error
}

// walk visits a node. ctes are the names of WITH that are in sight there.
func (w *refWalker) walk(node any, ctes []string) {
	switch n := node.(type) {
	case []any:
		for _, child := range n {
			w.walk(child, ctes)
		}
	case map[string]any:
		if n["type"] == "BASE_TABLE" {
			w.table(n, ctes)
		}
		ctes = append(slices.Clip(ctes), cteNames(n)...)
		for _, key := range slices.Sorted(maps.Keys(n)) {
			w.walk(n[key], ctes)
		}
	}
}

func cteNames(node map[string]any) []string {
	withs, _ := node["cte_map"].(map[string]any)
	entries, _ := withs["map"].([]any)
	var names []string
	for _, e := range entries {
		if entry, ok := e.(map[string]any); ok {
			name, _ := entry["key"].(string)
			names = append(names, strings.ToLower(name))
		}
	}
	return names
}

func (w *refWalker) table(n map[string]any, ctes []string) {
	text := func(key string) string { s, _ := n[key].(string); return strings.ToLower(s) }
	catalog, schema, name := text("catalog_name"), text("schema_name"), text("table_name")
	line := 1
	// the parser answers 2^64-1 where it knows no place
	if position, ok := n["query_location"].(float64); ok && position <= float64(len(w.text)) {
		line = lineAt(w.text, int(position))
	}
	switch {
	case schema == "" && slices.Contains(ctes, name):
	case schema == "":
		w.faults = append(w.faults, fault(w.file, line, "reads %s without a schema, and no WITH has that name", name).WithFix("write schema.%s", name))
	case catalog != "":
		w.faults = append(w.faults, fault(w.file, line, "reads %s.%s.%s with its database", catalog, schema, name).WithFix("write %s.%s", schema, name))
	default:
		w.refs = append(w.refs, tableRef{table: schema + "." + name, file: w.file, line: line})
	}
}
