package transforms

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Severity of a check that found rows: an error stops the run, a warning is
// reported.
type Severity string

// The severities.
const (
	SeverityError Severity = "error"
	SeverityWarn  Severity = "warn"
)

// sampleRows is how many bad rows a result shows, and sampleBytes how much of
// each.
const (
	sampleRows  = 5
	sampleBytes = 300
)

// CheckResult is what one check found.
type CheckResult struct {
	Model    string // schema.table
	Name     string // grain, not_null, keys, or the name of the check's file
	Claim    string
	File     string
	Severity Severity
	Bad      int64    // rows that break the claim
	Sample   []string // up to five of them, as JSON; personal data is masked
}

// rowCheck is a check ready to run.
type rowCheck struct {
	model, name, claim, file string
	sql                      string
	severity                 Severity
	reads                    []string
	pii                      []string // columns that samples do not show
}

// checksOf lists the checks of a model: those that follow from its header, and
// those written by hand. partition restricts the former to the rows of the
// run; it is "" for scratch tables, where all rows are.
func (p *Project) checksOf(m *Model) []rowCheck {
	key := partitionKeys[m.Schema]
	where := func(alias, condition string) string {
		if key == "" {
			return condition
		}
		return fmt.Sprintf("%s.%s = (select %s from runtime.params) and (%s)", alias, key, key, condition)
	}
	var out []rowCheck
	add := func(name, claim, query string, reads ...string) {
		out = append(out, rowCheck{
			model: m.Table(), name: name, claim: claim, file: m.File, sql: query,
			severity: SeverityError, reads: append([]string{m.Table()}, reads...), pii: m.PII,
		})
	}
	if len(m.Grain) > 0 {
		grain := strings.Join(m.Grain, ", ")
		add("grain", "there is one row per "+grain, fmt.Sprintf(
			"select %s, count(*) as copies from %s as t where %s group by all having count(*) > 1", grain, qualified(m.Table()), where("t", "true")))
		nulls := make([]string, len(m.Grain))
		for i, column := range m.Grain {
			nulls[i] = "t." + column + " is null"
		}
		add("not_null", grain+" are never null", fmt.Sprintf(
			"select t.* from %s as t where %s", qualified(m.Table()), where("t", strings.Join(nulls, " or "))))
	}
	for _, k := range m.Keys {
		match := fmt.Sprintf("r.%s = t.%s", k.Target, k.Column)
		if schema, _, _ := strings.Cut(k.Table, "."); schema == m.Schema && key != "" {
			match += fmt.Sprintf(" and r.%s = t.%s", key, key)
		}
		add("keys", fmt.Sprintf("every %s stands in %s.%s", k.Column, k.Table, k.Target), fmt.Sprintf(
			"select t.* from %s as t where %s", qualified(m.Table()),
			where("t", fmt.Sprintf("t.%s is not null and not exists (select 1 from %s as r where %s)", k.Column, qualified(k.Table), match))), k.Table)
	}
	for _, c := range p.checks {
		if c.Model == m.Table() {
			severity := SeverityError
			if c.Warn {
				severity = SeverityWarn
			}
			out = append(out, rowCheck{
				model: c.Model, name: c.Name, claim: c.Claim, file: c.File, sql: c.SQL,
				severity: severity, reads: slices.Clone(c.Reads), pii: m.PII,
			})
		}
	}
	return out
}

// run counts the bad rows, and fetches a few where there are some.
func (c rowCheck) run(ctx context.Context, q Querier) (CheckResult, error) {
	result := CheckResult{Model: c.model, Name: c.name, Claim: c.claim, File: c.file, Severity: c.severity}
	if err := q.QueryRow(ctx, "select count(*) from ("+c.sql+"\n)").Scan(&result.Bad); err != nil {
		return result, SQLError("run check "+c.name, c.file, err)
	}
	if result.Bad == 0 {
		return result, nil
	}
	rows, err := q.Query(ctx, fmt.Sprintf("select cast(to_json(bad) as varchar) from (%s\n) as bad limit %d", c.sql, sampleRows))
	if err != nil {
		return result, SQLError("run check "+c.name, c.file, err)
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return result, err
		}
		result.Sample = append(result.Sample, c.shown(text))
	}
	return result, rows.Err()
}

// shown cuts a row given as JSON and masks its personal data, for results end
// up in logs.
func (c rowCheck) shown(text string) string {
	var row map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &row); err != nil {
		return "a row that cannot be shown"
	}
	for _, column := range c.pii {
		if value, ok := row[column]; ok && string(value) != "null" {
			row[column] = json.RawMessage(`"***"`)
		}
	}
	out, err := json.Marshal(row)
	if err != nil {
		return "a row that cannot be shown"
	}
	if len(out) > sampleBytes {
		return strings.ToValidUTF8(string(out[:sampleBytes]), "") + "..."
	}
	return string(out)
}

// String says what a check found, for people.
func (r CheckResult) String() string {
	return fmt.Sprintf("%s: %s: %q does not hold for %d rows: %s", r.File, r.Name, r.Claim, r.Bad, strings.Join(r.Sample, ", "))
}
