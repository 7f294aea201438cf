package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
	"github.com/leadlake/leadlake/lake/store"
)

// The outcomes of a check. A warning leaves the program usable.
const (
	statusOK   = "ok"
	statusWarn = "warn"
	statusFail = "fail"
)

// check is one thing that doctor looked at.
type check struct {
	Name   string `json:"name"`
	Status string `json:"status"`
	Detail string `json:"detail"`
	Fix    string `json:"fix,omitempty"`
}

func ok(name, format string, args ...any) check {
	return check{Name: name, Status: statusOK, Detail: fmt.Sprintf(format, args...)}
}

func warn(name, fix, format string, args ...any) check {
	return check{Name: name, Status: statusWarn, Detail: fmt.Sprintf(format, args...), Fix: fix}
}

func fail(name, fix string, err error) check {
	detail, ownFix := describe(err)
	if ownFix != "" {
		fix = ownFix
	}
	return check{Name: name, Status: statusFail, Detail: detail, Fix: fix}
}

// diagnosis is the result of `leadlake doctor`.
type diagnosis struct {
	OK      bool    `json:"ok"`
	Version string  `json:"version"`
	Checks  []check `json:"checks"`
}

func doctorCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Check that everything leadlake needs is there, and say how to mend it",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d := a.diagnose(cmd.Context())
			if err := a.out.result(d, d.print); err != nil {
				return err
			}
			if !d.OK {
				return errReported
			}
			return nil
		},
	}
}

func (a *app) diagnose(ctx context.Context) diagnosis {
	checks := a.checkExtensions(ctx)
	checks = append(checks, a.checkHome(), a.checkDisk(), a.checkMemory(), a.checkLake(ctx), a.checkStore(ctx))
	checks = append(checks, checkTools()...)
	d := diagnosis{OK: true, Version: leadlake.Version, Checks: checks}
	for _, c := range checks {
		d.OK = d.OK && c.Status != statusFail
	}
	return d
}

func (d diagnosis) print(w io.Writer) {
	rows := make([][]string, len(d.Checks))
	for i, c := range d.Checks {
		rows[i] = []string{c.Status, c.Name, c.Detail}
	}
	table(w, nil, rows)
	for _, c := range d.Checks {
		if c.Fix != "" {
			fmt.Fprintf(w, "fix %s: %s\n", c.Name, c.Fix)
		}
	}
	if d.OK {
		fmt.Fprintln(w, "leadlake can run here")
	} else {
		fmt.Fprintln(w, "leadlake cannot run here yet")
	}
}

func (a *app) checkExtensions(ctx context.Context) []check {
	const fix = "run `leadlake setup`"
	set, err := openExtensions(ctx, a.cfg.extensionFolder())
	if err != nil {
		return []check{fail("duckdb", "build leadlake again with cgo and a C compiler", err)}
	}
	defer set.close()
	var checks []check
	for _, e := range extensions {
		name := "extension " + e.wheel
		if err := set.load(ctx, e); err != nil {
			line, _, _ := strings.Cut(err.Error(), "\n")
			checks = append(checks, fail(name, fix, errors.New(line)))
			continue
		}
		checks = append(checks, ok(name, "loads, DuckDB %s", set.version))
	}
	return checks
}

// existing returns the nearest folder at or above path that is there.
func existing(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	for {
		if _, err := os.Stat(abs); err == nil || filepath.Dir(abs) == abs {
			return abs
		}
		abs = filepath.Dir(abs)
	}
}

// checkHome writes and removes a file, because permission bits do not tell
// about read-only file systems.
func (a *app) checkHome() check {
	const name = "home"
	dir := existing(a.cfg.Home)
	f, err := os.CreateTemp(dir, ".leadlake-doctor-")
	if err != nil {
		return fail(name, "choose a directory that you may write to with --home", err)
	}
	f.Close()
	os.Remove(f.Name())
	if _, err := os.Stat(a.cfg.Home); errors.Is(err, fs.ErrNotExist) {
		return ok(name, "%s can be created", a.cfg.Home)
	}
	return ok(name, "%s is writable", a.cfg.Home)
}

// Free disk below which a run may not fit, and below which none will.
const (
	diskWarn = 5 << 30
	diskFail = 200 << 20
)

func (a *app) checkDisk() check {
	const name, fix = "disk", "free some space, or choose another directory with --home"
	free, err := freeDisk(existing(a.cfg.Home))
	switch {
	case err != nil:
		return warn(name, "", "free space is unknown: %v", err)
	case free < diskFail:
		return fail(name, fix, fmt.Errorf("only %s free", humanize.IBytes(free)))
	case free < diskWarn:
		return warn(name, fix, "%s free; large runs spill more than that", humanize.IBytes(free))
	}
	return ok(name, "%s free", humanize.IBytes(free))
}

func (a *app) checkMemory() check {
	const name = "memory"
	want, err := humanize.ParseBytes(a.cfg.Memory)
	if err != nil {
		return fail(name, `write memory as a size such as "3GB"`, err)
	}
	have := availableMemory(os.ReadFile)
	switch {
	case have == 0:
		return ok(name, "DuckDB may use %s; what the machine has is unknown here", a.cfg.Memory)
	case want > have:
		return warn(name, "lower it with --memory; SQL then spills to disk earlier",
			"DuckDB may use %s, but only %s is available", a.cfg.Memory, humanize.IBytes(have))
	}
	return ok(name, "DuckDB may use %s of %s available", a.cfg.Memory, humanize.IBytes(have))
}

// availableMemory is the smaller of what Linux calls available and the limit
// of the control group; 0 where neither is known.
func availableMemory(read func(string) ([]byte, error)) uint64 {
	var have uint64
	if text, err := read("/proc/meminfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "MemAvailable:" {
				if kib, err := strconv.ParseUint(fields[1], 10, 64); err == nil {
					have = kib << 10
				}
			}
		}
	}
	if text, err := read("/sys/fs/cgroup/memory.max"); err == nil {
		limit, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
		if err == nil && (have == 0 || limit < have) { // "max" is no number: no limit
			have = limit
		}
	}
	return have
}

// checkLake opens the lake. Where there is none yet it opens a
// throw-away one, so that looking creates nothing.
func (a *app) checkLake(ctx context.Context) check {
	const name, fix = "lake", "run `leadlake setup`, then check catalog and s3 in the configuration"
	cfg := a.cfg.lakeConfig(true)
	detail := "opens in " + a.cfg.Home
	if !a.cfg.hasLake() {
		tmp, err := os.MkdirTemp("", "leadlake-doctor-")
		if err != nil {
			return fail(name, fix, err)
		}
		defer os.RemoveAll(tmp)
		cfg = lake.Config{Home: tmp, Extensions: cfg.Extensions, Threads: cfg.Threads, MemoryLimit: cfg.MemoryLimit}
		detail = "will open; the first run creates it"
	}
	l, err := lake.Open(ctx, cfg)
	if err != nil {
		return fail(name, fix, err)
	}
	defer l.Close()
	s, err := l.Session(ctx)
	if err != nil {
		return fail(name, fix, err)
	}
	defer s.Close()
	var snapshots int64
	if err := s.QueryRow(ctx, "select count(*) from ducklake_snapshots('lake')").Scan(&snapshots); err != nil {
		return fail(name, fix, err)
	}
	return ok(name, "%s", detail)
}

// checkStore opens the control state, where there is one.
func (a *app) checkStore(ctx context.Context) check {
	const name, fix = "control state", "check store in the configuration"
	address := a.cfg.storeAddress()
	if _, err := os.Stat(address); errors.Is(err, fs.ErrNotExist) && !isPostgres(address) {
		return ok(name, "the first run creates %s", address)
	}
	s, err := store.Open(ctx, address, store.Options{})
	if err != nil {
		return fail(name, fix, err)
	}
	defer s.Close()
	if _, err := s.Runs(ctx, "", 1); err != nil {
		return fail(name, fix, err)
	}
	return ok(name, "opens at %s", redact(address))
}

// checkTools looks for programs that only the test suite starts.
func checkTools() []check {
	var checks []check
	for _, tool := range []struct{ program, use string }{
		{"postgres", "the tests of the team set-up"},
		{"versitygw", "the tests of the S3 driver"},
	} {
		if found := findTool(tool.program); found != "" {
			checks = append(checks, ok(tool.program, "%s", found))
			continue
		}
		checks = append(checks, warn(tool.program, "run `make deps` to develop leadlake; it is not needed to use it",
			"not found; %s need it", tool.use))
	}
	return checks
}

// findTool looks on the PATH and where Debian and `make deps` put programs.
func findTool(program string) string {
	if found, err := exec.LookPath(program); err == nil {
		return found
	}
	for _, pattern := range []string{".tools/bin/", ".tools/postgres/bin/", "/usr/lib/postgresql/*/bin/"} {
		if found, _ := filepath.Glob(pattern + program); len(found) > 0 {
			return found[len(found)-1]
		}
	}
	return ""
}
