// Command chaosdeliver proves what leadlake says about deliveries. It delivers
// to the sandbox of CRMs by the real engine and ledger, lets answers get lost,
// kills the senders at random moments, and lets the sandbox's own count of
// effects judge. It also lets workers race for batches, and measures how fast
// deliveries are beside the limits that hold for them.
//
//	chaosdeliver chaos|races|bench [flags]
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
)

// options are the flags.
type options struct {
	rows   int
	kills  int
	races  int
	slow   int
	seed   uint64
	keep   bool
	dsn    string
	only   string
	folder string
}

// program is a subcommand with its defaults.
type program struct {
	options
	run func(context.Context, io.Writer, options) error
}

func programs() map[string]program {
	return map[string]program{
		"chaos": {options{rows: 1_000_000, kills: 500}, chaos},
		"races": {options{races: 2000}, races},
		"bench": {options{rows: 100_000}, bench},
	}
}

func main() {
	if err := sendIfAsked(); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
	if len(os.Args) < 2 || programs()[os.Args[1]].run == nil {
		fmt.Fprintln(os.Stderr, "usage: chaosdeliver chaos|races|bench [flags]")
		os.Exit(2)
	}
	chosen := programs()[os.Args[1]]
	o := chosen.options
	short := false
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	flags.Uint64Var(&o.seed, "seed", 1, "seed of leads, faults and moments")
	switch os.Args[1] {
	case "chaos":
		flags.IntVar(&o.rows, "rows", o.rows, "how many deliveries, over all destinations")
		flags.IntVar(&o.kills, "kills", o.kills, "how many kills of a sender")
		flags.BoolVar(&o.keep, "keep", false, "keep ledger and files")
		flags.BoolVar(&short, "short", false, "the size of the test")
		flags.StringVar(&o.folder, "folder", "", "where ledger and files are; a new temporary folder by default")
	case "races":
		flags.IntVar(&o.races, "n", o.races, "how many races")
		flags.StringVar(&o.dsn, "postgres", "", "address of a Postgres for the ledger; SQLite by default")
	case "bench":
		flags.IntVar(&o.rows, "rows", o.rows, "how many leads")
		flags.IntVar(&o.slow, "slow", 1, "hubspot: how much slower the clock goes, on a machine that has more to do")
		flags.StringVar(&o.only, "only", "", "one of webhook, bulk, salesforce, hubspot")
	}
	flags.Parse(os.Args[2:]) //nolint:errcheck // it exits
	if short {
		o.rows, o.kills = shortRows, shortKills
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := chosen.run(ctx, os.Stdout, o); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}
