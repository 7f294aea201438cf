package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake/store"
)

// leaseTTL is how long a campaign stays taken after its process is gone with
// the machine. A process that died on this machine is noticed at once.
const leaseTTL = 30 * time.Second

// withCampaign runs fn while this process is the only one at work on a
// campaign. The context of fn ends when the lease is lost.
func (w *workspace) withCampaign(ctx context.Context, campaignID string, fn func(ctx context.Context) error) error {
	lease, err := w.acquire(ctx, "campaign/"+campaignID)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.keep(ctx, lease, cancel)
	}()
	err = fn(ctx)
	if cause := context.Cause(ctx); err != nil && cause != nil && !errors.Is(cause, context.Canceled) {
		err = cause // why fn was stopped says more than that it was
	}
	cancel(nil)
	<-done
	// The work is done either way; an unreleased lease runs out by itself.
	_ = w.store.Release(context.WithoutCancel(ctx), lease)
	return err
}

func (w *workspace) acquire(ctx context.Context, name string) (store.Lease, error) {
	lease, err := w.store.Acquire(ctx, name, holder(), leaseTTL)
	if leadlake.ErrorCode(err) != leadlake.Conflict {
		return lease, err
	}
	held, ok, readErr := w.store.Held(ctx, name)
	if readErr != nil {
		return lease, readErr
	}
	if ok && !isDead(held.Holder) {
		return lease, leadlake.Errorf(leadlake.Conflict, "%s is being run by %s", name, held.Holder).
			WithFix("wait for that run to end, or stop it")
	}
	if ok {
		if err := w.store.Release(ctx, held); err != nil {
			return lease, err
		}
	}
	return w.store.Acquire(ctx, name, holder(), leaseTTL)
}

// keep renews the lease until ctx ends, and ends the work when it is lost.
func (w *workspace) keep(ctx context.Context, lease store.Lease, cancel context.CancelCauseFunc) {
	tick := time.NewTicker(leaseTTL / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			renewed, err := w.store.Renew(ctx, lease, leaseTTL)
			switch {
			case err == nil:
				lease = renewed
			case leadlake.ErrorCode(err) == leadlake.Conflict || time.Now().After(lease.ExpiresAt):
				cancel(fmt.Errorf("keep %s: %w", lease.Name, err))
				return
			}
		}
	}
}

// holder names this process: host and process id.
func holder() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return "process " + strconv.Itoa(os.Getpid()) + " on " + host
}

// isDead says that a holder is a process of this machine that is gone. A
// process id that was given out anew counts as alive: its lease runs out.
func isDead(name string) bool {
	rest, ok := strings.CutPrefix(name, "process ")
	if !ok {
		return false
	}
	id, host, ok := strings.Cut(rest, " on ")
	pid, err := strconv.Atoi(id)
	if self, hostErr := os.Hostname(); !ok || err != nil || hostErr != nil || host != self || pid == os.Getpid() {
		return false
	}
	process, err := os.FindProcess(pid)
	return err != nil || errors.Is(process.Signal(syscall.Signal(0)), os.ErrProcessDone)
}
