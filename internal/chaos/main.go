// Command chaos kills leadlake at random moments of a run over real lists,
// starts the same command again, and compares what is published with what an
// undisturbed run publishes. It ends at the first difference.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/signal"
	"slices"
	"time"
)

// options are the flags.
type options struct {
	bin       string
	data      string
	campaign  string
	kills     int
	seconds   int
	seed      uint64
	perHome   int
	fullEvery int
}

func main() {
	var o options
	flag.StringVar(&o.bin, "bin", "bin/leadlake", "the program to kill")
	flag.StringVar(&o.data, "data", cmp.Or(os.Getenv("LEADLAKE_TESTDATA"), "../shared/data"), "folder with wof/ and inputs/")
	flag.StringVar(&o.campaign, "campaign", "examples/little_rock.yaml", "campaign over the lists wof and licenses")
	flag.IntVar(&o.kills, "kills", 200, "how many kills")
	flag.IntVar(&o.seconds, "seconds", 0, "begin no further kill after this many seconds; 0 for no limit")
	flag.Uint64Var(&o.seed, "seed", 1, "seed of the moments")
	flag.IntVar(&o.perHome, "per-home", 8, "kills in one workspace before a fresh one; the first meets an empty workspace")
	flag.IntVar(&o.fullEvery, "full-every", 1, "every so many kills meet the whole lists, the others one city of them, which is quicker; 0 for never")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := campaigns(ctx, os.Stdout, o); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// campaigns kills until the limits of o are reached.
func campaigns(ctx context.Context, w io.Writer, o options) (err error) {
	if o.kills < 1 || o.perHome < 1 {
		return errors.New("--kills and --per-home begin at 1")
	}
	folder, err := os.MkdirTemp("", "leadlake-chaos-")
	if err != nil {
		return err
	}
	defer func() {
		if err == nil {
			err = os.RemoveAll(folder)
		} else {
			fmt.Fprintln(w, "the workspaces are kept in", folder)
		}
	}()
	city, err := newTrial(ctx, w, o, folder, "city")
	if err != nil {
		return err
	}
	full := city
	if o.fullEvery > 0 && o.kills >= o.fullEvery {
		if full, err = newTrial(ctx, w, o, folder, "full"); err != nil {
			return err
		}
	}
	began, hits := time.Now(), map[string]int{}
	random := rand.New(rand.NewPCG(o.seed, 0))
	done := 0
	for ; done < o.kills && (o.seconds == 0 || time.Since(began) < time.Duration(o.seconds)*time.Second); done++ {
		t := city
		if o.fullEvery > 0 && (done+1)%o.fullEvery == 0 {
			t = full
		}
		r, err := t.kill(ctx, random)
		if err != nil {
			return fmt.Errorf("kill %d of %d (%s): %w", done+1, o.kills, t.name, err)
		}
		hits[r.where]++
		fmt.Fprintf(w, "kill %3d/%d %s: at %5.2f s, %s; then %5.2f s to the same %d leads\n",
			done+1, o.kills, t.name, r.at.Seconds(), r.where, r.rerun.Seconds(), t.want.tables["leads"].rows)
	}
	fmt.Fprintf(w, "\n%d kills in %.0f s, no difference. They hit:\n", done, time.Since(began).Seconds())
	for _, where := range slices.Sorted(maps.Keys(hits)) {
		fmt.Fprintf(w, "  %4d  %s\n", hits[where], where)
	}
	return nil
}
