package transforms

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"runtime/debug"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
)

// Unchanged says whether transforming a run would publish what its campaign
// has published already: the same source records and quarantined rows, the
// same campaign but for its budget, schedule and destinations, the same links
// by people, match model, SQL, scorer and program. Such a run needs no transform and no publish: the marts
// stay as they are, under the id of the run that made them, and ReadFunnel of
// that run (the second result) is this run's funnel too.
//
// It is for a run that has asked everything it will ask: a run that has yet to
// look its leads up has fewer records than the published one, and is changed.
func Unchanged(ctx context.Context, l *lake.Lake, p Params) (unchanged bool, publishedRun string, err error) {
	hash, err := fingerprint(leadlake.SQL, p)
	if err != nil {
		return false, "", err
	}
	session, err := l.Session(ctx)
	if err != nil {
		return false, "", err
	}
	defer session.Close()
	project, err := Load(ctx, leadlake.SQL, session, Externals()...)
	if err != nil {
		return false, "", err
	}
	if err := project.Prepare(ctx, session); err != nil {
		return false, "", err
	}
	var columns int
	const known = "select count(*) from duckdb_columns() where database_name = 'lake' and schema_name = 'marts' and table_name = 'runs' and column_name = 'fingerprint'"
	if err := session.QueryRow(ctx, known).Scan(&columns); err != nil {
		return false, "", fmt.Errorf("read columns of marts.runs: %w", err)
	}
	if columns == 0 { // nothing is published, or by a release that kept no fingerprint
		return false, "", nil
	}
	query, err := readQuery("unchanged")
	if err != nil {
		return false, "", err
	}
	var found *string
	if err := session.QueryRow(ctx, query, p.Run.RunID, p.Run.CampaignID, hash).Scan(&found); err != nil {
		return false, "", fmt.Errorf("compare records of run %s: %w", p.Run.RunID, err)
	}
	if found == nil {
		return false, "", nil
	}
	return true, *found, nil
}

// fingerprint is a hash of all that decides what records become, but for the
// records: the SQL, the program with its libraries, the campaign, and what
// people said about records.
func fingerprint(fsys fs.FS, p Params) (string, error) {
	sum := sha256.New()
	err := fs.WalkDir(fsys, "sql", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path.Ext(file) != ".sql" {
			return err
		}
		text, err := fs.ReadFile(fsys, file)
		if err != nil {
			return err
		}
		fmt.Fprintf(sum, "%s %d\n%s", file, len(text), text)
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("hash models: %w", err)
	}
	spec := p.Run.Spec
	spec.Budget, spec.Schedule, spec.Destinations = leadlake.BudgetSpec{}, nil, nil
	campaign, err := json.Marshal(struct {
		Spec     leadlake.CampaignSpec
		Lat, Lon *float64
		Scorer   string
		Links    []leadlake.Link
	}{spec, p.Lat, p.Lon, p.Scorer, p.Links})
	if err != nil {
		return "", fmt.Errorf("hash campaign: %w", err)
	}
	if p.MatchState != "" {
		chosen, err := MatchState{Path: p.MatchState}.chosen()
		if err != nil {
			return "", err
		}
		fmt.Fprintf(sum, "%v\n", chosen)
	}
	build := ""
	if info, ok := debug.ReadBuildInfo(); ok { // libraries decide what a phone number is
		build = info.String()
	}
	fmt.Fprintf(sum, "%s\n%s\n%s\n%s", leadlake.Version, build, sharedDomainList, campaign)
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// readQuery reads a file of sql/queries.
func readQuery(name string) (string, error) {
	text, err := fs.ReadFile(leadlake.SQL, "sql/queries/"+name+".sql")
	if err != nil {
		return "", fmt.Errorf("read query %s: %w", name, err)
	}
	return string(text), nil
}
