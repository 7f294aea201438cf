package transforms

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
)

// Runner builds the models of a project in a lake.
type Runner struct {
	Project *Project
	Now     func() time.Time // for durations; time.Now by default
}

// Event says that a table was built.
type Event struct {
	Table    string
	Rows     int64 // -1 for a view, whose rows are not counted
	Duration time.Duration
	Step     int // from 1
	Steps    int // how many tables the run builds
}

// Report is what a run did.
type Report struct {
	Tables []Event
	Checks []CheckResult // of all checks that ran, also those that found nothing
}

// Warnings lists the checks of severity warn that found rows.
func (r Report) Warnings() []CheckResult {
	var out []CheckResult
	for _, c := range r.Checks {
		if c.Bad > 0 {
			out = append(out, c)
		}
	}
	return out
}

// run is the state of one Run.
type run struct {
	*Runner
	session  *lake.Session
	progress func(Event)
	params   map[string]string // run_id and campaign_id
	steps    int
	report   Report
}

// Run builds what the plan says. Scratch tables are made anew. The candidates
// models replace the rows of the current run, the marts models those of its
// campaign, each schema in one transaction together with its checks: an error
// or a failed check leaves the lake as it was. Models that append come first
// and replace nothing: they read their own schema as it was before.
// runtime.params holds the one row that says what is current. progress may be
// nil.
func (r *Runner) Run(ctx context.Context, session *lake.Session, plan Plan, progress func(Event)) (Report, error) {
	steps, err := r.Project.steps(plan)
	if err != nil {
		return Report{}, err
	}
	if progress == nil {
		progress = func(Event) {}
	}
	state := &run{Runner: r, session: session, progress: progress}
	for _, s := range steps {
		state.steps += len(s.tables)
	}
	if err := r.Project.Prepare(ctx, session); err != nil {
		return Report{}, err
	}
	if err := state.readParams(ctx); err != nil {
		return Report{}, err
	}
	for _, s := range steps {
		if err := state.do(ctx, s); err != nil {
			return state.report, err
		}
	}
	return state.report, nil
}

// readParams reads what the run is about.
func (r *run) readParams(ctx context.Context) error {
	var rows int64
	var runID, campaignID sql.NullString
	err := r.session.QueryRow(ctx, "select count(*), any_value(run_id), any_value(campaign_id) from scratch.runtime.params").Scan(&rows, &runID, &campaignID)
	if err != nil {
		return fmt.Errorf("read runtime.params: %w", err)
	}
	if rows != 1 || runID.String == "" || campaignID.String == "" {
		return leadlake.Errorf(leadlake.Invalid, "read runtime.params: %d rows, run_id %q, campaign_id %q", rows, runID.String, campaignID.String).
			WithFix("insert the one row of the current run before running models")
	}
	r.params = map[string]string{"run_id": runID.String, "campaign_id": campaignID.String}
	return nil
}

func (r *run) now() time.Time {
	if r.Now != nil {
		return r.Now()
	}
	return time.Now()
}

func (r *run) do(ctx context.Context, s step) error {
	var err error
	if s.isLake {
		err = r.publish(ctx, s)
	} else {
		err = r.build(ctx, s)
	}
	if err != nil {
		return err
	}
	for _, table := range s.drops {
		what := "table"
		if m, ok := r.Project.Model(table); ok && m.View {
			what = "view"
		}
		if err := r.session.Exec(ctx, "drop "+what+" if exists "+qualified(table)); err != nil {
			return fmt.Errorf("drop %s: %w", table, err)
		}
	}
	return nil
}

func (r *run) built(e Event) {
	e.Step, e.Steps = len(r.report.Tables)+1, r.steps
	r.report.Tables = append(r.report.Tables, e)
	r.progress(e)
}

// build makes one scratch table and checks it.
func (r *run) build(ctx context.Context, s step) error {
	table, start := s.tables[0], r.now()
	rows := int64(-1)
	if e, ok := r.Project.External(table); ok {
		if err := e.Build(ctx, r.session); err != nil {
			return fmt.Errorf("build %s: %w", table, err)
		}
		if err := r.session.QueryRow(ctx, "select count(*) from "+qualified(table)).Scan(&rows); err != nil {
			return fmt.Errorf("count %s: %w", table, err)
		}
	} else {
		m, _ := r.Project.Model(table)
		var err error
		if m.View {
			err = r.session.Exec(ctx, "create or replace view "+qualified(table)+" as "+m.SQL)
		} else {
			err = r.session.QueryRow(ctx, "create or replace table "+qualified(table)+" as "+m.SQL).Scan(&rows)
		}
		if err != nil {
			return SQLError("build "+table, m.File, err)
		}
	}
	r.built(Event{Table: table, Rows: rows, Duration: r.now().Sub(start)})
	results, err := runChecks(ctx, r.session, s.checks)
	r.report.Checks = append(r.report.Checks, results...)
	if err != nil {
		return err
	}
	return checkError("check "+table, results)
}

func runChecks(ctx context.Context, q Querier, checks []rowCheck) ([]CheckResult, error) {
	results := make([]CheckResult, 0, len(checks))
	for _, c := range checks {
		result, err := c.run(ctx, q)
		if err != nil {
			return results, err
		}
		results = append(results, result)
	}
	return results, nil
}

// checkError is the error of the failed checks of severity error.
func checkError(what string, results []CheckResult) error {
	var failed []string
	for _, c := range results {
		if c.Bad > 0 && c.Severity == SeverityError {
			failed = append(failed, c.String())
		}
	}
	if len(failed) == 0 {
		return nil
	}
	return leadlake.Errorf(leadlake.Invalid, "%s: %s", what, strings.Join(failed, "\n")).
		WithFix("correct the data or the model and run again; nothing was written to the lake by this step")
}

// errChecksFailed ends a transaction. It carries no data, so that words in bad
// rows are not taken for a lost race that is worth another try.
var errChecksFailed = errors.New("checks failed")

// publish writes all models of a lake schema, checks them, and commits.
func (r *run) publish(ctx context.Context, s step) error {
	var events []Event
	var results []CheckResult
	err := r.session.Commit(ctx, func(ctx context.Context) error {
		events, results = nil, nil // a transaction that lost a race runs again
		models, err := r.writeOrder(ctx, s.tables)
		if err != nil {
			return err
		}
		for _, m := range models {
			start := r.now()
			rows, err := r.writeRows(ctx, m)
			if err != nil {
				return err
			}
			events = append(events, Event{Table: m.Table(), Rows: rows, Duration: r.now().Sub(start)})
		}
		if results, err = runChecks(ctx, r.session, s.checks); err != nil {
			return err
		}
		if checkError("", results) != nil {
			return errChecksFailed
		}
		return nil
	})
	r.report.Checks = append(r.report.Checks, results...)
	schema, _, _ := strings.Cut(s.tables[0], ".")
	if errors.Is(err, errChecksFailed) {
		return checkError("publish "+schema, results)
	}
	if err != nil {
		return fmt.Errorf("publish %s: %w", schema, err)
	}
	for _, e := range events {
		r.built(e)
	}
	return nil
}
