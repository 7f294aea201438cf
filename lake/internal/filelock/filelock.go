// Package filelock holds a lock between processes by a file. The system gives
// the lock back when its holder ends, however it ends.
package filelock

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// errBusy says that another open file holds the lock.
var errBusy = errors.New("lock is held")

// poll is how often Acquire looks again.
const poll = 20 * time.Millisecond

// Acquire waits for the lock on the file path, which it creates, and returns
// what gives it back. The file stays: removing it would let two holders lock
// two files of the same name.
func Acquire(ctx context.Context, path string) (release func(), err error) {
	for {
		release, ok, err := Try(path)
		if err != nil || ok {
			return release, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for lock %s: %w", path, ctx.Err())
		case <-time.After(poll):
		}
	}
}

// Try is Acquire without waiting; it reports false where the lock is held.
func Try(path string) (release func(), ok bool, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, false, err
	}
	switch err := lock(f); {
	case err == nil:
		return func() { f.Close() }, true, nil
	case errors.Is(err, errBusy):
		f.Close()
		return nil, false, nil
	default:
		f.Close()
		return nil, false, fmt.Errorf("lock %s: %w", path, err)
	}
}
