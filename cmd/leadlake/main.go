// Command leadlake turns many lists and business-data APIs into one clean,
// scored list of leads.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// After the first signal the default action is back: a second one ends a
	// process that does not stop by itself.
	context.AfterFunc(ctx, stop)
	program, err := os.Executable()
	if err != nil {
		program = "" // calls to providers are then made by this process
	}
	os.Exit(run(ctx, program, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole program but for the process around it. Program is its file,
// for processes that it starts; empty where it must not. It returns the exit
// code.
func run(ctx context.Context, program string, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := newApp(getenv, stdin, stdout, stderr)
	a.program = program
	root := newRoot(a)
	root.SetArgs(args)
	a.out.json = slices.Contains(args, "--json") // also for mistakes in the arguments themselves
	err := root.ExecuteContext(ctx)
	if err != nil && ctx.Err() != nil {
		a.out.interrupted()
		return exitInterrupted
	}
	if err != nil && !a.started {
		err = usageError(err)
	}
	return a.out.fail(err)
}
