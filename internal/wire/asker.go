package wire

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"sync"
	"time"

	"github.com/leadlake/leadlake"
)

// closeWait bounds how long Close waits for calls that are on the wire. The
// door finishes them either way.
const closeWait = 45 * time.Second

// Door is a Doer whose calls are made by a process of its own, which outlives
// this one long enough to keep every answer. See ServeDoor.
type Door struct {
	spool   *Spool // of the folder; asks nobody
	cmd     *exec.Cmd
	stdin   io.Closer
	out     *frames
	ended   chan struct{} // closed when the process has ended
	ready   chan struct{} // closed when it is ready, or refused has why it is not
	refused error

	mu      sync.Mutex
	next    uint64
	waiting map[uint64]chan answerFrame
}

var _ Doer = (*Door)(nil)

// StartDoor starts cmd, which must run ServeDoor over its standard input and
// output with the folder dir. What it says on standard error goes where cmd
// says.
func StartDoor(cmd *exec.Cmd, dir string) (*Door, error) {
	spool, err := NewSpool(dir, nil)
	if err != nil {
		return nil, err
	}
	failed := func(err error) (*Door, error) {
		return nil, leadlake.Errorf(leadlake.Unavailable, "start door: %w", err)
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return failed(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return failed(err)
	}
	detach(cmd)
	if err := cmd.Start(); err != nil {
		return failed(err)
	}
	d := &Door{
		spool: spool, cmd: cmd, stdin: stdin, out: &frames{w: stdin},
		ended: make(chan struct{}), ready: make(chan struct{}), waiting: map[uint64]chan answerFrame{},
	}
	go d.read(stdout)
	return d, nil
}

// Forget removes the answer of a call that has landed.
func (d *Door) Forget(requestID string) error { return d.spool.Forget(requestID) }

// Close lets the process end, and waits until calls that are on the wire have
// their answers in the folder.
func (d *Door) Close() error {
	err := d.stdin.Close()
	select {
	case <-d.ended:
	case <-time.After(closeWait):
	}
	return err
}

func (d *Door) read(stdout io.Reader) {
	defer close(d.ended)
	var first answerFrame
	if readFrame(stdout, &first) == nil && first.ID == 0 {
		if first.Error != nil {
			d.refused = first.Error.err()
		}
		close(d.ready)
	}
	for {
		var answer answerFrame
		if readFrame(stdout, &answer) != nil {
			break
		}
		d.mu.Lock()
		to := d.waiting[answer.ID]
		delete(d.waiting, answer.ID)
		d.mu.Unlock()
		if to != nil {
			to <- answer
		}
	}
	_ = d.stdin.Close() // also where the other side does not speak our language
	_ = d.cmd.Wait()    // how it ended stands on its standard error
}

// Do has the door send req. Where the context ends first, a call that was sent
// is finished, and its answer kept, without the caller.
func (d *Door) Do(req *http.Request) (*http.Response, error) {
	ask := askFrame{Call: callOf(req.Context()), Method: req.Method, URL: req.URL.String(), Header: req.Header}
	if req.Body != nil {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, fmt.Errorf("call %s: read request body: %w", req.URL.Host, err)
		}
		req.Body.Close()
		ask.Body = body
	}
	select {
	case <-d.ready:
		if d.refused != nil {
			return nil, d.refused
		}
	case <-d.ended:
		return nil, d.gone(req)
	case <-req.Context().Done():
		return nil, fmt.Errorf("call %s: %w", req.URL.Host, context.Cause(req.Context()))
	}
	back := make(chan answerFrame, 1)
	d.mu.Lock()
	d.next++
	ask.ID = d.next
	d.waiting[ask.ID] = back
	d.mu.Unlock()
	if err := d.out.write(ask); err != nil {
		d.drop(ask.ID)
		if leadlake.ErrorCode(err) == leadlake.Invalid {
			return nil, err
		}
		return nil, d.gone(req)
	}
	select {
	case answer := <-back:
		return answer.response(req)
	case <-d.ended:
		select {
		case answer := <-back: // it came last
			return answer.response(req)
		default:
			return nil, d.gone(req)
		}
	case <-req.Context().Done():
		d.drop(ask.ID)
		_ = d.out.write(askFrame{ID: ask.ID, Cancel: true}) // a door that is gone waits for nothing
		return nil, fmt.Errorf("call %s: %w", req.URL.Host, context.Cause(req.Context()))
	}
}

func (d *Door) drop(id uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.waiting, id)
}

func (d *Door) gone(req *http.Request) error {
	return leadlake.Errorf(leadlake.Unavailable, "call %s: the process that makes the calls has ended", req.URL.Host).
		WithFix("run it again: it goes on where it stopped")
}

func (a answerFrame) response(req *http.Request) (*http.Response, error) {
	if a.Error != nil {
		return nil, a.Error.err()
	}
	if a.Answer == nil {
		return nil, leadlake.Errorf(leadlake.Internal, "call %s: the door gave an empty answer", req.URL.Host)
	}
	return a.Answer.response(req)
}
