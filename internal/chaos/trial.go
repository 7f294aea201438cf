package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/leadlake/leadlake"
)

// trial is one campaign with what an undisturbed run of it publishes.
type trial struct {
	name     string
	folder   string
	args     []string // of the run, without --home
	bin      string
	perHome  int
	want     published
	ref      string        // workspace of the undisturbed run
	duration time.Duration // of a run that nothing disturbs

	home  string // the workspace in use
	homes int
	kills int // in home
}

// result is one kill and the run after it.
type result struct {
	at    time.Duration
	where string // what the program was doing
	rerun time.Duration
}

// newTrial writes the campaign and runs it once undisturbed.
func newTrial(ctx context.Context, w io.Writer, o options, folder, name string) (*trial, error) {
	t := &trial{name: name, folder: folder, bin: o.bin, perHome: o.perHome, ref: filepath.Join(folder, name+"-reference")}
	campaign := filepath.Join(folder, name+".yaml")
	if err := writeCampaign(o.campaign, campaign, name == "city"); err != nil {
		return nil, err
	}
	t.args = []string{
		"run", campaign, "--json", "--log-level", "info",
		"--input", "wof=" + filepath.Join(o.data, "wof", "us_venues.parquet"),
		"--input", "licenses=" + filepath.Join(o.data, "inputs", "little_rock_Business_Licenses.csv"),
	}
	began := time.Now()
	run, err := t.finish(ctx, t.ref)
	if err != nil {
		return nil, fmt.Errorf("undisturbed run: %w", err)
	}
	t.duration = time.Since(began)
	if t.want, err = readPublished(ctx, t.ref); err != nil {
		return nil, err
	}
	if err := t.checkWhole(ctx, t.ref, run); err != nil {
		return nil, fmt.Errorf("undisturbed run: %w", err)
	}
	fmt.Fprintf(w, "%s: an undisturbed run takes %.1f s for %d rows and publishes %d leads\n",
		name, t.duration.Seconds(), run.Funnel.Read, t.want.tables["leads"].rows)
	return t, nil
}

// writeCampaign copies a campaign; narrow limits its first list to one city.
func writeCampaign(from, to string, narrow bool) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	document, err := yaml.YAMLToJSON(text)
	if err != nil {
		return fmt.Errorf("read %s: %w", from, err)
	}
	spec, err := leadlake.ParseCampaign(document)
	if err != nil {
		return err
	}
	if narrow {
		spec.Sources[0].Where["city"] = "Little Rock"
	}
	if document, err = json.Marshal(spec); err != nil { // JSON is YAML
		return err
	}
	return os.WriteFile(to, document, 0o600)
}

// kill starts a run, ends it at a random moment, and runs it again.
func (t *trial) kill(ctx context.Context, random *rand.Rand) (result, error) {
	for {
		if t.home == "" || t.kills >= t.perHome {
			if err := os.RemoveAll(t.home); err != nil {
				return result{}, err
			}
			t.homes++
			t.home, t.kills = filepath.Join(t.folder, fmt.Sprintf("%s-%d", t.name, t.homes)), 0
		}
		at := time.Duration(random.Int64N(int64(t.duration)))
		where, killed, err := t.start(ctx, at)
		if err != nil {
			return result{}, err
		}
		if err := t.checkReader(ctx); err != nil {
			return result{}, fmt.Errorf("after a kill at %.2f s, %s: %w", at.Seconds(), where, err)
		}
		if !killed { // it was faster this time; that is no kill
			continue
		}
		t.kills++
		began := time.Now()
		run, err := t.finish(ctx, t.home)
		if err == nil {
			err = t.checkWhole(ctx, t.home, run)
		}
		if err != nil {
			return result{}, fmt.Errorf("after a kill at %.2f s, %s: %w", at.Seconds(), where, err)
		}
		return result{at, where, time.Since(began)}, nil
	}
}

// start runs the campaign and kills it. killed is false where the run had
// ended by then; where says what the program had logged last.
func (t *trial) start(ctx context.Context, at time.Duration) (where string, killed bool, err error) {
	var stderr bytes.Buffer
	cmd := t.command(ctx, t.home)
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		return "", false, err
	}
	began, ended := time.Now(), make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			return "", false, fmt.Errorf("run before the kill: %w\n%s", err, stderr.String())
		}
		t.duration = time.Since(began)
		return "", false, nil
	case <-time.After(at):
	}
	// On Unix this is SIGKILL; the program has no children.
	if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return "", false, err
	}
	err = <-ended
	return lastStep(stderr.String()), err != nil, ctx.Err()
}

// finish runs the campaign to its end.
func (t *trial) finish(ctx context.Context, home string) (leadlake.Run, error) {
	var run leadlake.Run
	var stdout, stderr bytes.Buffer
	cmd := t.command(ctx, home)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return run, fmt.Errorf("run: %w\n%s%s", err, stdout.String(), stderr.String())
	}
	if err := json.Unmarshal(stdout.Bytes(), &run); err != nil {
		return run, fmt.Errorf("read the printed run: %w", err)
	}
	return run, nil
}

func (t *trial) command(ctx context.Context, home string) *exec.Cmd {
	return exec.CommandContext(ctx, t.bin, append([]string{"--home", home}, t.args...)...)
}

var stepLine = regexp.MustCompile(`msg="step (begins|done)".*? step=(\w+)`)

// lastStep says what a log shows as under way.
func lastStep(log string) string {
	lines := stepLine.FindAllStringSubmatch(log, -1)
	if len(lines) == 0 {
		return "before the first step"
	}
	switch last := lines[len(lines)-1]; last[1] {
	case "begins":
		return "in " + last[2]
	default:
		return "after " + last[2]
	}
}
