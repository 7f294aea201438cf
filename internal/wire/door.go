package wire

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/leadlake/leadlake"
)

const (
	lockName = "lock"
	lockWait = 2 * time.Minute // longer than any call that an old door has in flight
	lockPoll = 10 * time.Millisecond
)

// errGone ends the waits of calls for which nobody waits.
var errGone = errors.New("the asker is gone")

// ServeDoor is the life of a door: a process of its own that makes the calls
// of another, its parent, which may be killed at any time. It reads what to
// call from in and answers to out. An answer is durable in dir before it goes
// out, so an answer that the provider gave is never lost with the parent.
//
// When in ends, or ctx, calls that were sent are read to their end and kept,
// and calls that still waited for a limit or another attempt are given up.
// Then ServeDoor returns.
//
// One door at a time works on dir: the next one waits for it, so that it finds
// all answers. It says when its turn has come, and is asked for nothing before.
// So what a door is asked for was not landed when its turn began, and a door
// whose parent died while it waited in line has nothing to do.
func ServeDoor(ctx context.Context, in io.Reader, out io.Writer, dir string, next Doer) error {
	// A write to a parent that is gone must not end this process.
	signal.Ignore(syscall.SIGPIPE)
	d := &door{out: &frames{w: out}, calls: map[uint64]context.CancelCauseFunc{}}
	gone, leave := context.WithCancelCause(ctx)
	defer leave(nil)
	asks := make(chan askFrame)
	go func() {
		defer leave(errGone)
		d.read(gone, in, asks)
	}()
	spool, release, err := openLocked(gone, dir, next)
	if err != nil {
		if gone.Err() != nil {
			return nil // nobody is left to work for
		}
		return errors.Join(err, d.out.write(answerFrame{Error: toWireError(err)}))
	}
	defer release()
	if d.out.write(answerFrame{}) != nil {
		return nil // the parent is gone
	}
	for {
		select {
		case <-gone.Done():
			d.working.Wait()
			return nil
		case ask := <-asks:
			d.start(ctx, gone, spool, ask)
		}
	}
}

// openLocked waits until the folder is this process's alone.
func openLocked(ctx context.Context, dir string, next Doer) (*Spool, func(), error) {
	spool, err := NewSpool(dir, next)
	if err != nil {
		return nil, nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, nil, leadlake.Errorf(leadlake.Invalid, "open door: %w", err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, lockWait, leadlake.Errorf(leadlake.Conflict, "open door: another one works on %s", dir).
		WithFix("wait for the run that uses it, or stop it"))
	defer cancel()
	for {
		ok, err := tryLock(f)
		if err == nil && !ok {
			err = sleep(ctx, lockPoll)
		}
		if err != nil {
			f.Close()
			return nil, nil, err
		}
		if ok {
			return spool, func() { f.Close() }, nil
		}
	}
}

// door keeps what a door has in hand.
type door struct {
	out     *frames
	working sync.WaitGroup

	mu    sync.Mutex
	calls map[uint64]context.CancelCauseFunc // ends the patience of a call
}

// read hands on what is asked until the asker is gone.
func (d *door) read(ctx context.Context, in io.Reader, asks chan<- askFrame) {
	for {
		var ask askFrame
		if readFrame(in, &ask) != nil {
			return // however it ended, no more is to come
		}
		select {
		case asks <- ask:
		case <-ctx.Done():
			return
		}
	}
}

// start begins a call, or ends the patience of one.
func (d *door) start(ctx, gone context.Context, spool *Spool, ask askFrame) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if ask.Cancel {
		if end := d.calls[ask.ID]; end != nil {
			end(errGone)
		}
		return
	}
	patience, end := context.WithCancelCause(gone)
	d.calls[ask.ID] = end
	d.working.Go(func() {
		defer func() {
			d.mu.Lock()
			defer d.mu.Unlock()
			end(nil)
			delete(d.calls, ask.ID)
		}()
		answer := call(withPatience(context.WithoutCancel(ctx), patience), spool, ask)
		// A parent that is gone does not read it; the spool has it.
		if err := d.out.write(answer); leadlake.ErrorCode(err) == leadlake.Invalid {
			_ = d.out.write(answerFrame{ID: ask.ID, Error: toWireError(err)})
		}
	})
}

func call(ctx context.Context, spool *Spool, ask askFrame) answerFrame {
	failed := func(err error) answerFrame { return answerFrame{ID: ask.ID, Error: toWireError(err)} }
	req, err := http.NewRequestWithContext(WithCall(ctx, ask.Call), ask.Method, ask.URL, bytes.NewReader(ask.Body))
	if err != nil {
		return failed(leadlake.Errorf(leadlake.Invalid, "call: the request cannot be read")) // its URL may hold a key
	}
	if ask.Header != nil {
		req.Header = ask.Header
	}
	resp, err := spool.Do(req)
	if err != nil {
		return failed(err)
	}
	x, err := exchangeOf(resp)
	if err != nil {
		return failed(err)
	}
	return answerFrame{ID: ask.ID, Answer: x}
}
