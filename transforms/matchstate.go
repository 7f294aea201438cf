package transforms

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
)

// MatchState is what a resolution leaves for the next one: a DuckDB file with
// normalised records, blocking keys, compared pairs and clusters, and the
// frozen model, which is all that follows from the records as a whole: what
// words weigh, how many records share a phone or domain, and the adapted match
// weights. It is a cache: without it the next resolution is a full one.
//
// One process at a time may use it.
type MatchState struct {
	Path  string
	Links []leadlake.Link // what people said; those that do not stand are ignored
	// Drift is the share of its records that may change before all are resolved
	// anew, because the frozen model is of what they were; a tenth by default.
	Drift float64
}

// matchStateFormat goes up when the tables of sql/incremental change.
const matchStateFormat = 1

// attach makes the state's file the database matchstate of the session's lake.
func (m MatchState) attach(ctx context.Context, s *lake.Session) (detach func() error, err error) {
	if err := s.Exec(ctx, "attach "+lake.Quote(m.Path)+" as matchstate"); err != nil {
		return nil, leadlake.Errorf(leadlake.Conflict, "open match state %s: %w", m.Path, err).
			WithFix("let the other command that uses it end, or delete the file: the next resolution makes it anew")
	}
	return func() error {
		if err := s.Exec(context.WithoutCancel(ctx), "detach matchstate"); err != nil {
			return fmt.Errorf("close match state %s: %w", m.Path, err)
		}
		return nil
	}, nil
}

// fits says whether the attached state was made by the SQL, the words, the
// model and the program of today.
func (m MatchState) fits(ctx context.Context, s *lake.Session) (bool, error) {
	var tables int
	const about = "select count(*) from duckdb_tables() where database_name = 'matchstate' and table_name = 'about'"
	if err := s.QueryRow(ctx, about).Scan(&tables); err != nil {
		return false, fmt.Errorf("read match state: %w", err)
	}
	if tables == 0 {
		return false, nil
	}
	want, err := m.fingerprint()
	if err != nil {
		return false, err
	}
	var got string
	if err := s.QueryRow(ctx, "select any_value(fingerprint) from matchstate.about").Scan(&got); err != nil {
		return false, fmt.Errorf("read match state: %w", err)
	}
	return got == want, nil
}

// fingerprint is a hash of all that decides what records become, but for the
// records and for what people said.
func (m MatchState) fingerprint() (string, error) {
	base, err := fingerprint(leadlake.SQL, Params{})
	if err != nil {
		return "", err
	}
	chosen, err := m.chosen()
	if err != nil {
		return "", err
	}
	model, err := json.Marshal(chosen)
	if err != nil {
		return "", fmt.Errorf("hash model: %w", err)
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "%d %s\n%s\n%s", matchStateFormat, base, nameWordList, model)
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// exists is an error where there is no state.
func (m MatchState) exists() error {
	if _, err := os.Stat(m.Path); err != nil {
		return leadlake.Errorf(leadlake.NotFound, "there is no match state %s", m.Path).
			WithFix("resolve once with a state: resolve --state FILE, or a run with incremental: true in the configuration")
	}
	return nil
}

// capture writes the state of a full resolution that is in the session's
// scratch tables. A crash leaves the old file or the new one.
func (m MatchState) capture(ctx context.Context, s *lake.Session) (err error) {
	partial := MatchState{Path: m.Path + ".partial"}
	// It holds phone numbers.
	if err := os.MkdirAll(filepath.Dir(m.Path), 0o700); err != nil {
		return leadlake.Errorf(leadlake.Invalid, "write match state: %w", err).WithFix("give a path that you may write to")
	}
	for _, leftover := range []string{partial.Path, partial.Path + ".wal"} {
		if err := os.Remove(leftover); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return leadlake.Errorf(leadlake.Invalid, "write match state: %w", err).WithFix("give a path that you may write to")
		}
	}
	sign, err := m.fingerprint()
	if err != nil {
		return err
	}
	detach, err := partial.attach(ctx, s)
	if err != nil {
		return err
	}
	if err = s.Exec(ctx, "set variable fingerprint = "+lake.Quote(sign)); err == nil {
		err = incrementalScript(ctx, s, "capture")
	}
	if err := errors.Join(err, detach()); err != nil {
		return fmt.Errorf("write match state %s: %w", m.Path, err)
	}
	// What a crash left of the old file's journal is not of the new one.
	if err := os.Remove(m.Path + ".wal"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("write match state: %w", err)
	}
	if err := os.Rename(partial.Path, m.Path); err != nil {
		return fmt.Errorf("write match state: %w", err)
	}
	return nil
}

// ofRun are the columns of int_records_kept that say how a record came, not
// what it is. A record in which only these differ is unchanged.
var ofRun = []string{"record_id", "row_number", "fetched_at", "content_hash", "cost_micros", "licence"}

// hashRecords makes scratch.incremental.given: keys and a hash of what each
// record of int_records_kept says.
func hashRecords(ctx context.Context, s *lake.Session) error {
	if err := s.Exec(ctx, "create schema if not exists scratch.incremental"); err != nil {
		return fmt.Errorf("hash records: %w", err)
	}
	columns, err := readColumns(ctx, s, "select column_name, data_type from duckdb_columns() where database_name = 'scratch' and schema_name = 'intermediate' and table_name = 'int_records_kept' order by column_name")
	if err != nil {
		return fmt.Errorf("read columns of records: %w", err)
	}
	var names []string
	for _, c := range columns {
		if !slices.Contains(ofRun, c.name) {
			names = append(names, quoteName(c.name))
		}
	}
	query := "create or replace table scratch.incremental.given as select record_id, provider, provider_key, subject_provider, subject_key, hash(" + strings.Join(names, ", ") + ") as content_hash from scratch.intermediate.int_records_kept"
	if err := s.Exec(ctx, query); err != nil {
		return fmt.Errorf("hash records: %w", err)
	}
	return nil
}

// incrementalScript runs a file of sql/incremental.
func incrementalScript(ctx context.Context, s *lake.Session, name string) error {
	text, err := readScript(name)
	if err != nil {
		return err
	}
	if err := s.Exec(ctx, text); err != nil {
		return SQLError("run script", "sql/incremental/"+name+".sql", err)
	}
	return nil
}

func readScript(name string) (string, error) {
	text, err := fs.ReadFile(leadlake.SQL, "sql/incremental/"+name+".sql")
	if err != nil {
		return "", fmt.Errorf("read script %s: %w", name, err)
	}
	return string(text), nil
}

// Clusters makes scratch.eval.clusters (source, source_key, cluster_id) from
// the state. Ids stay from one resolution to the next, until a full one.
func (m MatchState) Clusters(ctx context.Context, s *lake.Session) (err error) {
	detach, err := m.attach(ctx, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, detach()) }()
	if err := s.Exec(ctx, "create schema if not exists scratch.eval"); err != nil {
		return fmt.Errorf("read clusters: %w", err)
	}
	return incrementalScript(ctx, s, "clusters")
}
