package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
	"github.com/leadlake/leadlake/lake/store"
)

// marts are the tables that readers see.
var marts = []string{"leads", "lead_records", "merge_graph", "rejected_records", "runs"}

// compared is what two runs must agree on: all columns but the run's id and
// those that follow the clock.
const compared = "columns(c -> c not in ('run_id', 'created_at', 'updated_at', 'fetched_at', 'published_at'))"

// contents stands for the rows of a table, in whatever order.
type contents struct {
	rows int64
	sum  string
}

// published is what a reader of a workspace sees.
type published struct {
	runIDs []string // of all rows
	tables map[string]contents
}

// readPublished reads as any reader does. Where nothing was ever published,
// the result is empty.
func readPublished(ctx context.Context, home string) (p published, err error) {
	err = inLake(ctx, home, func(s *lake.Session) error {
		p, err = publishedIn(ctx, s)
		return err
	})
	if leadlake.ErrorCode(err) == leadlake.NotFound {
		return p, nil
	}
	if err != nil {
		return p, fmt.Errorf("read marts of %s: %w", home, err)
	}
	return p, nil
}

func publishedIn(ctx context.Context, s *lake.Session) (published, error) {
	p := published{tables: map[string]contents{}}
	for _, table := range marts {
		var there bool
		const query = "select count(*) > 0 from duckdb_tables() where database_name = 'lake' and schema_name = 'marts' and table_name = $1"
		if err := s.QueryRow(ctx, query, table).Scan(&there); err != nil {
			return p, err
		}
		if !there {
			continue
		}
		var c contents
		var runIDs string
		err := s.QueryRow(ctx, "select count(*), coalesce(sum(hash(t)::hugeint), 0)::varchar from (select "+compared+" from marts."+table+") as t").Scan(&c.rows, &c.sum)
		if err != nil {
			return p, err
		}
		if err := s.QueryRow(ctx, "select coalesce(string_agg(distinct run_id), '') from marts."+table).Scan(&runIDs); err != nil {
			return p, err
		}
		p.tables[table] = c
		for _, id := range strings.FieldsFunc(runIDs, func(r rune) bool { return r == ',' }) {
			if !slices.Contains(p.runIDs, id) {
				p.runIDs = append(p.runIDs, id)
			}
		}
	}
	return p, nil
}

func inLake(ctx context.Context, home string, fn func(*lake.Session) error) error {
	l, err := lake.Open(ctx, lake.Config{Home: home, ReadOnly: true})
	if err != nil {
		return err
	}
	defer l.Close()
	s, err := l.Session(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	return fn(s)
}

// checkReader checks what readers see in the workspace of a dead process:
// nothing, or one whole run.
func (t *trial) checkReader(ctx context.Context) error {
	got, err := readPublished(ctx, t.home)
	if err != nil || len(got.runIDs) == 0 {
		return err
	}
	return t.compare(ctx, t.home, got)
}

func (t *trial) compare(ctx context.Context, home string, got published) error {
	if len(got.runIDs) != 1 {
		return fmt.Errorf("marts show rows of the runs %s at once", strings.Join(got.runIDs, ", "))
	}
	for _, table := range marts {
		if got.tables[table] != t.want.tables[table] {
			return fmt.Errorf("marts.%s differs: %d rows, %d in the undisturbed run\n%s", table,
				got.tables[table].rows, t.want.tables[table].rows, t.explain(ctx, home, table))
		}
	}
	return nil
}

// checkWhole checks a workspace whose last run has ended well.
func (t *trial) checkWhole(ctx context.Context, home string, run leadlake.Run) error {
	if !run.Funnel.Balanced() || run.State != leadlake.RunPublished {
		return fmt.Errorf("run %s ended as %s with the funnel %+v", run.RunID, run.State, run.Funnel)
	}
	err := inLake(ctx, home, func(s *lake.Session) error {
		got, err := publishedIn(ctx, s)
		if err != nil {
			return err
		}
		if err := t.compare(ctx, home, got); err != nil {
			return err
		}
		if got.runIDs[0] != run.RunID {
			return fmt.Errorf("run %s ended, but %s is what is published", run.RunID, got.runIDs[0])
		}
		return checkRaw(ctx, s, run)
	})
	return errors.Join(err, checkRuns(ctx, home, run), checkLeftovers(home))
}

// checkRaw checks that nothing landed twice and nothing was scored twice.
func checkRaw(ctx context.Context, s *lake.Session, run leadlake.Run) error {
	const query = `select
		(select count(*) from raw.source_records where run_id = $1),
		(select count(*) from (select distinct provider, query_id, page, row_number from raw.source_records where run_id = $1)),
		(select count(*) from raw.quarantine where run_id = $1),
		(select count(*) from candidates.lead_scores where run_id = $1),
		(select count(distinct lead_id) from candidates.lead_scores where run_id = $1),
		(select count(*) from candidates.leads where run_id = $1)`
	var records, distinct, quarantined, scores, scored, leads int64
	if err := s.QueryRow(ctx, query, run.RunID).Scan(&records, &distinct, &quarantined, &scores, &scored, &leads); err != nil {
		return fmt.Errorf("count the rows of run %s: %w", run.RunID, err)
	}
	if records+quarantined != run.Funnel.Read || distinct != records {
		return fmt.Errorf("run %s read %d rows, the lake has %d records, %d of them different, and %d in quarantine",
			run.RunID, run.Funnel.Read, records, distinct, quarantined)
	}
	if scores != leads || scored != leads || leads != run.Funnel.Published {
		return fmt.Errorf("run %s published %d leads, the lake has %d candidates with %d scores", run.RunID, run.Funnel.Published, leads, scores)
	}
	return nil
}

// checkRuns checks that the control state has no run left under way.
func checkRuns(ctx context.Context, home string, run leadlake.Run) error {
	s, err := store.Open(ctx, filepath.Join(home, "control.sqlite"), store.Options{Now: time.Now})
	if err != nil {
		return err
	}
	defer s.Close()
	left, found, err := s.UnfinishedRun(ctx, run.CampaignID)
	if err == nil && found {
		err = fmt.Errorf("run %s is left as %s", left.RunID, left.State)
	}
	return err
}

// checkLeftovers checks that the spill folders of dead processes are swept.
func checkLeftovers(home string) error {
	entries, err := os.ReadDir(filepath.Join(home, "tmp"))
	if err != nil {
		return err
	}
	if len(entries) > 0 {
		return fmt.Errorf("%d files are left in tmp, such as %s", len(entries), entries[0].Name())
	}
	return nil
}

// explain shows a few rows that only one of two workspaces has.
func (t *trial) explain(ctx context.Context, home, table string) string {
	there, err := rowTexts(ctx, t.ref, table)
	if err != nil {
		return err.Error()
	}
	here, err := rowTexts(ctx, home, table)
	if err != nil {
		return err.Error()
	}
	return only("undisturbed", there, here) + only("this run", here, there)
}

func rowTexts(ctx context.Context, home, table string) (map[string]int, error) {
	texts := map[string]int{}
	err := inLake(ctx, home, func(s *lake.Session) error {
		rows, err := s.Query(ctx, "select t::varchar from (select "+compared+" from marts."+table+") as t")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var text string
			if err := rows.Scan(&text); err != nil {
				return err
			}
			texts[text]++
		}
		return rows.Err()
	})
	return texts, err
}

func only(name string, a, b map[string]int) string {
	const most = 3
	var lines []string
	for text, n := range a {
		if b[text] < n {
			lines = append(lines, text)
		}
	}
	slices.Sort(lines)
	var out strings.Builder
	fmt.Fprintf(&out, "%d rows only in %s\n", len(lines), name)
	for _, line := range lines[:min(most, len(lines))] {
		fmt.Fprintf(&out, "  %.600s\n", line)
	}
	return out.String()
}
