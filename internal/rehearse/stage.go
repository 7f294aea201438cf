package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/leadlake/leadlake/ingest"
	"github.com/leadlake/leadlake/ingest/all"
	"github.com/leadlake/leadlake/internal/sandbox"
	"github.com/leadlake/leadlake/internal/sandbox/world"
)

// stage is a sandbox with a place for workspaces.
type stage struct {
	options
	world  *world.World
	server *httptest.Server
	folder string
	homes  int
}

func newStage(o options) (*stage, error) {
	w, err := world.New(world.Config{Size: o.size})
	if err != nil {
		return nil, err
	}
	s, err := sandbox.New(sandbox.Config{World: w})
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "leadlake-rehearse-")
	if err != nil {
		return nil, err
	}
	return &stage{options: o, world: w, server: httptest.NewServer(s), folder: folder}, nil
}

func (s *stage) close() {
	s.server.Close()
	os.RemoveAll(s.folder)
}

// home makes an empty workspace whose providers are the sandbox.
func (s *stage) home() (string, error) {
	s.homes++
	home := filepath.Join(s.folder, fmt.Sprint(s.homes))
	var b strings.Builder
	fmt.Fprintf(&b, "home: %s\nproviders:\n", filepath.Join(home, "lake"))
	for _, src := range all.Sources() {
		if spec := src.Spec(); spec.BaseURL != "" {
			fmt.Fprintf(&b, "  %s: {base_url: %q, rate_per_second: 2000}\n", spec.Name, s.server.URL+"/"+spec.Name)
		}
	}
	if err := os.MkdirAll(home, 0o700); err != nil {
		return "", err
	}
	return home, os.WriteFile(filepath.Join(home, "leadlake.yaml"), []byte(b.String()), 0o600)
}

// command prepares a leadlake in a workspace.
func (s *stage) command(ctx context.Context, home string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, s.bin, append(args, "--config", filepath.Join(home, "leadlake.yaml"))...)
	cmd.Env = os.Environ()
	for _, src := range all.Sources() {
		if name := src.Spec().CredentialEnv; name != "" {
			cmd.Env = append(cmd.Env, name+"=sandbox")
		}
	}
	return cmd
}

// do runs a command to its end and decodes what it prints.
func (s *stage) do(ctx context.Context, into any, home string, args ...string) error {
	cmd := s.command(ctx, home, append(args, "--json")...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("leadlake %s: %w\n%s%s", strings.Join(args, " "), err, out, stderr.String())
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(out, into)
}

// campaign writes a campaign file.
func campaign(home, name, text string) (string, error) {
	path := filepath.Join(home, name+".yaml")
	return path, os.WriteFile(path, []byte("name: "+name+"\n"+text), 0o600)
}

// keywords that the world has businesses for.
var keywords = []string{
	"plumber", "electrician", "roofer", "contractor", "painter", "locksmith", "mover", "dentist", "restaurant", "coffee", "mechanic", "realtor", "lawyer",
}

// randomPlace is a circle in the world, from a part of a town to all of it.
func (s *stage) randomPlace(d *rand.Rand, least float64) string {
	town := s.world.Metro.Towns[d.IntN(len(s.world.Metro.Towns))]
	return fmt.Sprintf("geo: {lat: %.4f, lon: %.4f, country: US, region: CO, radius_km: %.1f}\n", town.Lat, town.Lon, least+d.Float64()*d.Float64()*35)
}

// counts are the sandbox's counts of calls.
func (s *stage) counts(ctx context.Context) (counts map[string]map[string]sandbox.Count, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.server.URL+"/__sandbox/calls", nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return counts, json.NewDecoder(resp.Body).Decode(&counts)
}

func (s *stage) post(ctx context.Context, path, body string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.server.URL+"/__sandbox/"+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent {
		return fmt.Errorf("sandbox %s: status %d", path, resp.StatusCode)
	}
	return nil
}

// billed is what the providers would ask for, in micros, and how many answers
// were given twice.
func (s *stage) billed(ctx context.Context) (micros int64, repeats int, err error) {
	counts, err := s.counts(ctx)
	if err != nil {
		return 0, 0, err
	}
	prices := map[string]int64{}
	for _, src := range all.Sources() {
		prices[src.Spec().Name] = unitPrice(src)
	}
	for provider, methods := range counts {
		for _, n := range methods {
			micros += int64(n.Billed) * prices[provider]
			repeats += n.Repeats
		}
	}
	return micros, repeats, nil
}

func unitPrice(src ingest.Source) int64 { return src.Spec().CostMicrosPerCall }

// killed runs a command and kills it after a while. It says whether the
// command ended by itself before, and with which error.
func (s *stage) killed(ctx context.Context, after time.Duration, home string, args ...string) (ended bool, err error) {
	cmd := s.command(ctx, home, args...)
	cmd.Env = append(cmd.Env, "GOMAXPROCS=2")
	var output strings.Builder
	cmd.Stderr = &output
	cmd.WaitDelay = time.Second // the door that it leaves holds its output open
	if err := cmd.Start(); err != nil {
		return false, err
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case err = <-done:
		ended = true
	case <-time.After(after):
		cmd.Process.Signal(syscall.SIGKILL) //nolint:errcheck // it may have ended
		err = <-done
		var exit *exec.ExitError
		ended = !errors.As(err, &exit) || exit.ExitCode() >= 0
	}
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil
	}
	if !ended {
		return false, nil
	}
	if err != nil {
		return true, fmt.Errorf("leadlake %s: %w\n%s", strings.Join(args, " "), err, output.String())
	}
	return true, nil
}
