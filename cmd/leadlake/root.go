package main

import (
	"errors"
	"io"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"github.com/leadlake/leadlake"
)

// app is what the commands share. Config, log and the printer's mode are set
// before a command's body runs.
type app struct {
	program string // the file of this program; "" where it starts no process
	getenv  func(string) string
	stdin   io.Reader
	stderr  io.Writer
	out     *printer
	flags   globalFlags
	cfg     Config
	log     *slog.Logger

	acceptMerges bool // of run and publish

	// started says that the arguments were right and a body ran; errors before
	// that are about usage.
	started bool
}

// globalFlags hold the flags of every command. Empty means not given.
type globalFlags struct {
	config   string
	home     string
	json     bool
	logLevel string
	memory   string
	threads  int
}

func newApp(getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) *app {
	return &app{
		getenv: getenv,
		stdin:  stdin,
		stderr: stderr,
		out:    newPrinter(stdout, stderr),
		log:    slog.New(slog.DiscardHandler),
	}
}

// commands lists every subcommand. A new one is a file and a line here.
func commands(a *app) []*cobra.Command {
	return []*cobra.Command{
		demoCmd(a),
		runCmd(a),
		planCmd(a),
		ingestCmd(a),
		transformCmd(a),
		enrichCmd(a),
		scoreCmd(a),
		publishCmd(a),
		runsCmd(a),
		leadCmd(a),
		matchCmd(a),
		exportCmd(a),
		deliverCmd(a),
		proveCmd(a),
		feedbackCmd(a),
		suppressCmd(a),
		mappingCmd(a),
		dlqCmd(a),
		serveCmd(a),
		sqlCmd(a),
		resolveCmd(a),
		evalCmd(a),
		trainCmd(a),
		modelCmd(a),
		sandboxCmd(a),
		setupCmd(a),
		doctorCmd(a),
		configCmd(a),
		doorCmd(a),
		newCmd(a),
	}
}

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:           "leadlake",
		Short:         "Turn many lists and business-data APIs into one clean, scored list of leads",
		Version:       leadlake.Version,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          knownCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.PersistentPreRunE = func(*cobra.Command, []string) error { return a.prepare() }
	root.SetIn(a.stdin)
	root.SetOut(a.out.stdout)
	root.SetErr(a.stderr)
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SuggestionsMinimumDistance = 2

	f := root.PersistentFlags()
	f.StringVar(&a.flags.config, "config", "", "configuration file (default "+defaultConfigFile+" where it exists)")
	f.StringVar(&a.flags.home, "home", "", "directory of the workspace (default "+defaultHome+")")
	f.BoolVar(&a.flags.json, "json", false, "print one JSON document")
	f.StringVar(&a.flags.logLevel, "log-level", "", "debug, info, warn or error (default warn)")
	f.StringVar(&a.flags.memory, "memory", "", `memory for SQL before it spills to disk (default "3GB")`)
	f.IntVar(&a.flags.threads, "threads", 0, "threads for SQL (default all)")

	for _, cmd := range commands(a) {
		a.markStart(cmd)
		root.AddCommand(cmd)
	}
	return root
}

// prepare reads the configuration. It runs before every command.
func (a *app) prepare() error {
	a.out.json = a.flags.json
	cfg, err := loadConfig(a.flags, a.getenv)
	if err != nil {
		return err
	}
	a.cfg = cfg
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.LogLevel)); err != nil {
		return leadlake.Errorf(leadlake.Invalid, "config: log_level %q is unknown", cfg.LogLevel)
	}
	a.log = slog.New(slog.NewTextHandler(a.stderr, &slog.HandlerOptions{Level: level}))
	return nil
}

// markStart notes when the body of cmd, or of a command below it, begins.
func (a *app) markStart(cmd *cobra.Command) {
	if body := cmd.RunE; body != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			a.started = true
			return body(cmd, args)
		}
	}
	for _, sub := range cmd.Commands() {
		a.markStart(sub)
	}
}

// knownCommand refuses a word that is no command, and names the nearest ones.
func knownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	err := leadlake.Errorf(leadlake.Invalid, "%q is no command of leadlake", args[0])
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return err.WithFix("did you mean `leadlake %s`?", strings.Join(near, "`, `leadlake "))
	}
	return err.WithFix("`leadlake --help` lists the commands")
}

// usageError gives cobra's complaints about flags and arguments a code.
func usageError(err error) error {
	var known *leadlake.Error
	if errors.As(err, &known) {
		return err
	}
	return leadlake.Errorf(leadlake.Invalid, "%w", err).WithFix("add --help to see how the command is used")
}
