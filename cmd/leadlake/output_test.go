package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/leadlake/leadlake"
)

func TestFailMapsCodesToExitCodes(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{leadlake.Errorf(leadlake.Invalid, "x"), 2},
		{fmt.Errorf("outer: %w", leadlake.Errorf(leadlake.NotFound, "x")), 3},
		{leadlake.Errorf(leadlake.Conflict, "x"), 4},
		{leadlake.Errorf(leadlake.Unavailable, "x"), 1},
		{errors.New("anything"), 1},
	} {
		if got := newPrinter(io.Discard, io.Discard).fail(tc.err); got != tc.want {
			t.Errorf("fail(%v) = %d, want %d", tc.err, got, tc.want)
		}
	}
}

func TestFailPrintsTheFixOnALineOfItsOwn(t *testing.T) {
	t.Parallel()
	var stderr bytes.Buffer
	err := fmt.Errorf("open lake: %w", leadlake.Errorf(leadlake.Invalid, "no room").WithFix("free some"))
	newPrinter(io.Discard, &stderr).fail(err)
	if want := "error: open lake: no room\nfix:   free some\n"; stderr.String() != want {
		t.Errorf("got %q, want %q", stderr.String(), want)
	}
}

func TestFailAfterAResultWritesNoSecondDocument(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	p := newPrinter(&stdout, &stderr)
	p.json = true
	if err := p.result(map[string]int{"rows": 1}, nil); err != nil {
		t.Fatal(err)
	}
	p.fail(errors.New("late"))
	mustDecode(t, stdout.String(), &map[string]int{})
	if !strings.Contains(stderr.String(), "late") {
		t.Errorf("stderr %q", stderr.String())
	}
}

func TestProgressIsRareOnAStreamThatIsNoTerminal(t *testing.T) {
	t.Parallel()
	var stderr bytes.Buffer
	p := newPrinter(io.Discard, &stderr)
	now := time.Unix(1e9, 0)
	p.now = func() time.Time { return now }
	for i := range 100 {
		p.progress("%d rows", i)
		now = now.Add(200 * time.Millisecond)
	}
	if lines := strings.Count(stderr.String(), "\n"); lines != 4 {
		t.Errorf("%d lines in 20 seconds, want 4", lines)
	}
}

func TestProgressOnATerminalLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	var stderr bytes.Buffer
	p := newPrinter(io.Discard, &stderr)
	p.terminal = true
	p.progress("a long report")
	p.progress("short")
	p.note("done")
	want := "\ra long report\rshort        \r             \rdone\n"
	if stderr.String() != want {
		t.Errorf("got %q, want %q", stderr.String(), want)
	}
}
