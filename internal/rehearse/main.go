// Command rehearse runs campaigns against the sandbox, which knows the truth,
// and prints how leadlake does: how many calls a search takes against the best
// that is possible, how close estimates come, whether a budget holds, whether
// a page is ever paid twice however often the program is killed, and whether a
// model that learns from sales beats the rules.
//
//	rehearse tiling|estimates|budgets|kills|learning [flags]
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
)

// options are the flags.
type options struct {
	bin  string
	n    int
	size int
	seed uint64
	own  bool
}

// rehearsals are the subcommands, with how many campaigns or kills each makes
// and how large its world is, by default.
var rehearsals = map[string]struct {
	n, size int
	run     func(context.Context, io.Writer, options) error
}{
	"tiling":    {6, 100_000, tilings},
	"estimates": {20, 3_000, estimates},
	"budgets":   {200, 300, budgets},
	"kills":     {1000, 12_000, kills},
	"learning":  {1, 12_000, learning},
}

func main() {
	if len(os.Args) < 2 || rehearsals[os.Args[1]].run == nil {
		fmt.Fprintln(os.Stderr, "usage: rehearse tiling|estimates|budgets|kills|learning [flags]")
		os.Exit(2)
	}
	chosen := rehearsals[os.Args[1]]
	var o options
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	flags.StringVar(&o.bin, "bin", "bin/leadlake", "the program")
	flags.IntVar(&o.n, "n", chosen.n, "how many campaigns, or kills")
	flags.IntVar(&o.size, "size", chosen.size, "businesses of the world")
	flags.Uint64Var(&o.seed, "seed", 1, "seed of campaigns and moments")
	flags.BoolVar(&o.own, "own", false, "estimates: bill in the workspace that has learnt, where what it owns is free")
	flags.Parse(os.Args[2:]) //nolint:errcheck // it exits
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	if o.bin, err = filepath.Abs(o.bin); err == nil {
		err = chosen.run(ctx, os.Stdout, o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}
