// Package snapshottest makes lakes with published leads for tests.
package snapshottest

import (
	"context"
	_ "embed"
	"fmt"
	"testing"

	"github.com/leadlake/leadlake/lake"
)

//go:embed marts.sql
var martsSQL string

//go:embed fill.sql
var fillSQL string

// Open returns an empty lake of the test's own.
func Open(t *testing.T) *lake.Lake {
	t.Helper()
	l, err := lake.Open(context.Background(), lake.Config{Home: t.TempDir(), Threads: 1, MemoryLimit: "256MB"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// Filled returns a lake with n made-up leads in two campaigns.
func Filled(t *testing.T, n int) *lake.Lake {
	t.Helper()
	l := Open(t)
	Fill(t, l, 0, n)
	return l
}

// Fill publishes the made-up leads numbered from one up to but not including
// another; lead i is the same whenever it is made.
func Fill(t *testing.T, l *lake.Lake, from, to int) {
	t.Helper()
	Exec(t, l, martsSQL)
	Exec(t, l, fmt.Sprintf("set variable fill_from = %d; set variable fill_to = %d;", from, to)+fillSQL)
}

// Exec runs statements on the lake.
func Exec(t *testing.T, l *lake.Lake, statements string) {
	t.Helper()
	s, err := l.Session(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Exec(context.Background(), statements); err != nil {
		t.Fatal(err)
	}
}
