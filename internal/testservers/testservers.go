// Package testservers starts the real servers that tests talk to: Postgres, an
// S3 service and Redis. A missing one fails the test; `make deps` installs them.
package testservers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// startLimit bounds how long a server may take until it answers.
const startLimit = 60 * time.Second

// supervisor runs a server and ends it when the test process is gone, which
// closes descriptor 3, however that came about. The first signal asks Postgres
// not to wait for its clients; other programs may ignore it here.
const supervisor = `"$@" & child=$!; (read -r _; kill -INT $child; kill -TERM $child) <&3 2>/dev/null & wait $child`

// server is a child process and what it has printed.
type server struct {
	name   string
	cmd    *exec.Cmd
	input  io.Closer
	output string // file
	done   chan struct{}
}

// start runs a server until the test ends. Configure may change how the
// process starts; it may be nil.
func start(t testing.TB, configure func(*exec.Cmd), program string, args ...string) *server {
	t.Helper()
	s := &server{name: filepath.Base(program), output: filepath.Join(t.TempDir(), "output"), done: make(chan struct{})}
	output, err := os.Create(s.output)
	if err != nil {
		t.Fatalf("start %s: %v", s.name, err)
	}
	defer output.Close()
	input, keep, err := os.Pipe()
	if err != nil {
		t.Fatalf("start %s: %v", s.name, err)
	}
	defer input.Close()
	s.input = keep
	// Its own supervisor ends it, after the test's context is over.
	s.cmd = exec.CommandContext(context.Background(), "sh", append([]string{"-c", supervisor, "sh", program}, args...)...)
	s.cmd.ExtraFiles = []*os.File{input} // descriptor 3; a shell gives background commands no standard input
	s.cmd.Stdout, s.cmd.Stderr = output, output
	s.cmd.Dir = "/" // where every user may be
	if configure != nil {
		configure(s.cmd)
	}
	if err := s.cmd.Start(); err != nil {
		keep.Close()
		t.Fatalf("start %s: %v", s.name, err)
	}
	go func() {
		_ = s.cmd.Wait() // how it ended stands in its output
		close(s.done)
	}()
	t.Cleanup(s.stop)
	return s
}

func (s *server) stop() {
	s.input.Close()
	select {
	case <-s.done:
	case <-time.After(10 * time.Second):
		_ = s.cmd.Process.Kill() // it may have ended by now
	}
}

// ready waits until check succeeds.
func (s *server) ready(t testing.TB, check func() error) {
	t.Helper()
	deadline := time.Now().Add(startLimit)
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-s.done:
			t.Fatalf("%s ended: %s", s.name, s.text())
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not answer: %v\n%s", s.name, err, s.text())
		}
	}
}

func (s *server) text() string {
	text, err := os.ReadFile(s.output)
	return errors.Join(fmt.Errorf("%s", text), err).Error()
}

// freePort is a loopback port that nobody listens on right now.
func freePort(t testing.TB) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("find a free port: %v", err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatalf("find a free port: %v", err)
	}
	return port
}

// find returns the path of a program: in the project's tools, in PATH, or in
// one of the folders that the patterns match, the last one first.
func find(t testing.TB, program string, patterns ...string) string {
	t.Helper()
	var candidates []string
	for _, folder := range toolFolders(t) {
		candidates = append(candidates, filepath.Join(folder, "bin", program), filepath.Join(folder, "postgres", "bin", program))
	}
	if p, err := exec.LookPath(program); err == nil {
		candidates = append(candidates, p)
	}
	for _, pattern := range patterns {
		found, _ := filepath.Glob(filepath.Join(pattern, program)) // the patterns are well formed
		slices.Reverse(found)
		candidates = append(candidates, found...)
	}
	for _, c := range candidates {
		if info, err := os.Stat(c); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return c
		}
	}
	t.Fatalf("%s is not installed; run `make deps`", program)
	return ""
}

// toolFolders is $LEADLAKE_TOOLS, where set, and .tools beside go.mod.
func toolFolders(t testing.TB) []string {
	t.Helper()
	var folders []string
	if f := os.Getenv("LEADLAKE_TOOLS"); f != "" {
		folders = append(folders, strings.TrimSuffix(filepath.Clean(f), "/bin"))
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatalf("find the tools: %v", err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return append(folders, filepath.Join(dir, ".tools"))
		}
	}
	return folders
}
