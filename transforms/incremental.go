package transforms

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
)

// Changes is what a resolution by a state starts from: all records of a file,
// or only those that are new or changed.
type Changes struct {
	Records string // Parquet file of records
	IsPart  bool   // the file has only new and changed records, and all others stay
	Full    bool   // resolve all records anew, and adapt the weights to them
}

// Updated is what resolving by a state did.
type Updated struct {
	IsFull   bool    `json:"is_full"` // all records were resolved
	Why      string  `json:"why,omitempty"`
	Records  int64   `json:"records"`
	Fresh    int64   `json:"records_changed"` // new or changed
	Gone     int64   `json:"records_gone"`
	Repaired int64   `json:"records_repaired"` // unchanged ones whose blocks are cut otherwise now
	Compared int64   `json:"pairs_compared"`
	Within   int64   `json:"records_reclustered"`
	Leads    int64   `json:"leads_changed"` // clusters that have other records, or other values, than before
	Seconds  float64 `json:"seconds"`
	// FindSeconds is the part of Seconds that went into reading the records and
	// comparing them with the state's.
	FindSeconds float64 `json:"find_seconds"`
}

// How many records may change before a full resolution is due: this share of
// them, and always this many.
const (
	largestDrift = 0.1
	fewChanges   = 100
)

// Resolve brings the state to the records given. The result is that of
// resolving all records by the state's frozen model; where there is no state,
// it does not fit this program or too much has changed, all are resolved and
// the state is made anew.
func (m MatchState) Resolve(ctx context.Context, s *lake.Session, c Changes, progress func(Event)) (Updated, error) {
	if err := readable(c.Records); err != nil {
		return Updated{}, fmt.Errorf("resolve: %w", err)
	}
	began := time.Now()
	if err := clearAll(ctx, s); err != nil {
		return Updated{}, err
	}
	if err := recordsKept(c.Records).Build(ctx, s); err != nil {
		return Updated{}, fmt.Errorf("resolve %s: %w", c.Records, err)
	}
	read := time.Since(began).Seconds()
	u, err := stateRun{MatchState: m, session: s, progress: progress}.resolve(ctx, c)
	if err != nil {
		return u, fmt.Errorf("resolve %s: %w", c.Records, err)
	}
	u.FindSeconds += read
	u.Seconds += read
	return u, nil
}

// clearAll empties scratch.intermediate for a resolution of a file.
func clearAll(ctx context.Context, s *lake.Session) error {
	if err := s.Exec(ctx, "drop schema if exists scratch.intermediate cascade"); err != nil {
		return fmt.Errorf("clear scratch: %w", err)
	}
	if err := s.Exec(ctx, "create schema scratch.intermediate"); err != nil {
		return fmt.Errorf("clear scratch: %w", err)
	}
	return setParams(ctx, s, Params{Run: leadlake.Run{RunID: "resolve", CampaignID: "resolve", StartedAt: time.Now()}})
}

// resolve resolves int_records_kept. Whatever else is in scratch.intermediate
// is set aside, until putBack; a file's resolution has nothing to put back.
func (p stateRun) resolve(ctx context.Context, c Changes) (u Updated, err error) {
	began := time.Now()
	if err := setAside(ctx, p.session, "table_name <> 'int_records_kept'"); err != nil {
		return u, err
	}
	u.Why, err = p.reasonForAll(ctx, c)
	u.FindSeconds = time.Since(began).Seconds()
	switch {
	case err != nil:
	case u.Why == "":
		err = p.update(ctx, &u)
	case c.IsPart:
		err = leadlake.Errorf(leadlake.Conflict, "resolve changes alone: %s", u.Why).WithFix("give all records once: the changes are not enough")
	default:
		u.IsFull = true
		err = p.all(ctx, &u)
	}
	u.Seconds = time.Since(began).Seconds()
	return u, err
}

// stateRun is one resolution by a state.
type stateRun struct {
	MatchState
	session  *lake.Session
	progress func(Event)
}

// reasonForAll says why all records have to be resolved; empty where the
// changes are enough.
func (p stateRun) reasonForAll(ctx context.Context, c Changes) (why string, err error) {
	if err := hashRecords(ctx, p.session); err != nil {
		return "", err
	}
	if c.Full {
		return "it was asked for", nil
	}
	if _, err := os.Stat(p.Path); err != nil {
		return "there is no match state yet", nil
	}
	detach, err := p.attach(ctx, p.session)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, detach()) }()
	if fits, err := p.fits(ctx, p.session); err != nil || !fits {
		return "the match state is of another program", err
	}
	if err := p.session.Exec(ctx, fmt.Sprintf("set variable is_all = %t", !c.IsPart)); err != nil {
		return "", err
	}
	if err := incrementalScript(ctx, p.session, "compare"); err != nil {
		return "", err
	}
	var changed, before, known int64
	const counts = "select (select count(*) from scratch.incremental.fresh) + (select count(*) from scratch.incremental.gone), any_value(changes), any_value(records) from matchstate.about"
	if err := p.session.QueryRow(ctx, counts).Scan(&changed, &before, &known); err != nil {
		return "", fmt.Errorf("count changes: %w", err)
	}
	if changed > 0 && float64(before+changed) > max(fewChanges, cmp.Or(p.Drift, largestDrift)*float64(known)) {
		return fmt.Sprintf("%d of %d records have changed since all were", before+changed, known), nil
	}
	return "", nil
}

// ChangeRecords writes a Parquet file of records as another of which some are
// others, for measuring updates.
func ChangeRecords(ctx context.Context, s *lake.Session, records, to string, changes int64) error {
	if err := readable(records); err != nil {
		return fmt.Errorf("change records: %w", err)
	}
	for _, statement := range []string{"create schema if not exists scratch.eval", "set variable records_file = " + lake.Quote(records), fmt.Sprintf("set variable changes = %d", changes)} {
		if err := s.Exec(ctx, statement); err != nil {
			return fmt.Errorf("change records: %w", err)
		}
	}
	if err := evalScript(ctx, s, "changed_records"); err != nil {
		return err
	}
	if err := s.Exec(ctx, "copy scratch.eval.changed to "+lake.Quote(to)+" (format parquet, compression zstd)"); err != nil {
		return fmt.Errorf("write changed records: %w", err)
	}
	return s.Exec(ctx, "drop table scratch.eval.changed")
}

// matchTables are what a state is made of.
var matchTables = []string{
	"intermediate.int_block_keys", "intermediate.int_clusters", "intermediate.int_edges", "intermediate.int_links",
	"intermediate.int_match_weights", "intermediate.int_name_tokens", "intermediate.int_pairs_compared", "intermediate.int_patterns", "intermediate.int_pattern_weights",
	"intermediate.int_records_kept", "intermediate.int_records_normalised", "intermediate.int_shared_contacts",
}

// all resolves every record, and captures the state.
func (p stateRun) all(ctx context.Context, u *Updated) error {
	chosen, err := p.chosen()
	if err != nil {
		return err
	}
	externals := substituted(Externals(p.Links...), given("int_records_kept", "record_id bigint"), External{
		Table:   "intermediate.int_match_weights",
		Columns: "comparison varchar, level integer, weight double, default_weight double, meaning varchar",
		Reads:   []string{"intermediate.int_patterns"},
		Build:   func(ctx context.Context, s *lake.Session) error { return writeMatchWeights(ctx, s, chosen.shifted()) },
	})
	if err := p.build(ctx, externals, matchTables); err != nil {
		return err
	}
	if err := connectComponents(ctx, p.session); err != nil {
		return err
	}
	if err := p.capture(ctx, p.session); err != nil {
		return err
	}
	const counts = "select count(*), (select count(*) from scratch.intermediate.int_pairs_compared), count(distinct coalesce(c.cluster_id, r.record_id)) from scratch.intermediate.int_records_kept as r left join scratch.intermediate.int_clusters as c on c.record_id = r.record_id"
	if err := p.session.QueryRow(ctx, counts).Scan(&u.Records, &u.Compared, &u.Leads); err != nil {
		return fmt.Errorf("count: %w", err)
	}
	u.Fresh, u.Within = u.Records, u.Records
	return nil
}

// build builds targets of the matching models, with some tables made by Go.
func (p stateRun) build(ctx context.Context, externals []External, targets []string) error {
	project, err := Load(ctx, without{withoutRuns{leadlake.SQL}, externals}, p.session, externals...)
	if err != nil {
		return err
	}
	runner := Runner{Project: project}
	_, err = runner.Run(ctx, p.session, Plan{Targets: targets}, p.progress)
	return err
}
