package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
	"github.com/leadlake/leadlake/transforms"
)

// byState are the flags of resolve that concern what it knows from last time.
type byState struct {
	path   string
	isPart bool
	isFull bool
	verify bool
}

func (b byState) check() error {
	if b.path == "" && (b.isPart || b.isFull || b.verify) {
		return leadlake.Errorf(leadlake.Invalid, "--part, --full and --verify are about a state").WithFix("name its file with --state")
	}
	if b.isPart && (b.isFull || b.verify) {
		return leadlake.Errorf(leadlake.Invalid, "--full and --verify need all records").WithFix("leave --part out, and give all records")
	}
	return nil
}

// matchState is the file in which a campaign keeps its resolution; empty where
// every run resolves all records.
func (c Config) matchState(campaignID string) string {
	if !c.Incremental {
		return ""
	}
	return filepath.Join(c.Home, "match", campaignID+".duckdb")
}

// updated is a resolution by a state with what it took.
type updated struct {
	transforms.Updated
	PeakMiB int64                 `json:"peak_mib"`
	Tables  []transforms.Compared `json:"verified,omitempty"`
}

// resolveByState resolves what changed since the state was made, and writes
// all clusters to out.
func (a *app) resolveByState(ctx context.Context, s *lake.Session, records, out string, by byState) error {
	state := transforms.MatchState{Path: by.path}
	u, err := state.Resolve(ctx, s, transforms.Changes{Records: records, IsPart: by.isPart, Full: by.isFull}, a.resolving)
	if err != nil {
		return err
	}
	if err := state.Clusters(ctx, s); err != nil {
		return err
	}
	if err := transforms.WriteClusters(ctx, s, out); err != nil {
		return err
	}
	result := updated{Updated: u, PeakMiB: peakMiB()}
	if by.verify {
		if result.Tables, err = state.Verify(ctx, s, records, a.resolving); err != nil {
			return err
		}
	}
	err = a.out.result(result, func(w io.Writer) {
		printUpdated(w, u)
		printVerified(w, result.Tables)
		fmt.Fprintf(w, "clusters are in %s\n", out)
	})
	if err != nil {
		return err
	}
	return verified(result.Tables)
}

func printUpdated(w io.Writer, u transforms.Updated) {
	if u.IsFull {
		fmt.Fprintf(w, "all %s records resolved, because %s: %s leads, in %.1f s\n", count(u.Records), u.Why, count(u.Leads), u.Seconds)
		return
	}
	fmt.Fprintf(w, "of %s records %s are new or changed and %s are gone: %s pairs compared, %s leads changed, in %.1f s (%.1f s of them to find what changed)\n",
		count(u.Records), count(u.Fresh), count(u.Gone), count(u.Compared), count(u.Leads), u.Seconds, u.FindSeconds)
}

func printVerified(w io.Writer, tables []transforms.Compared) {
	for _, t := range tables {
		is := "equal"
		if !t.IsSame {
			is = "NOT EQUAL"
		}
		fmt.Fprintf(w, "%-12s %s rows, %s by resolving all records: %s\n", t.Table, count(t.State), count(t.Rebuilt), is)
	}
}

// verified is an error where a table of the state is not what resolving all
// records gives.
func verified(tables []transforms.Compared) error {
	for _, t := range tables {
		if !t.IsSame {
			return leadlake.Errorf(leadlake.Internal, "the %s of the match state are not those of resolving all records", t.Table).
				WithFix("resolve with --full, and report it")
		}
	}
	return nil
}
