package filelock

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"
)

func TestLockHasOneHolder(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	release, ok, err := Try(path)
	if err != nil || !ok {
		t.Fatalf("first Try: %v, %v", ok, err)
	}
	if _, ok, err := Try(path); ok || err != nil {
		t.Fatalf("second Try: %v, %v; want refused", ok, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*poll)
	defer cancel()
	if _, err := Acquire(ctx, path); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("Acquire of a held lock: %v", err)
	}
	time.AfterFunc(3*poll, release)
	again, err := Acquire(t.Context(), path)
	if err != nil {
		t.Fatalf("Acquire after release: %v", err)
	}
	again()
}
