package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leadlake/leadlake/serve/deliver"
)

// watchEvery is how often a delivery is looked at. Counting rows is a scan.
const watchEvery = 2 * time.Second

// watch shows on stderr how far a delivery is, by what the outbox says.
type watch struct {
	c    *courier
	had  atomic.Int64 // leads read
	once sync.Once
	quit context.CancelFunc
	done chan struct{}

	mu   sync.Mutex
	note string
}

// watch begins to show progress.
func (c *courier) watch(ctx context.Context) *watch {
	ctx, quit := context.WithCancel(ctx)
	w := &watch{c: c, quit: quit, done: make(chan struct{})}
	go func() {
		defer close(w.done)
		tick := time.NewTicker(watchEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				w.show(ctx)
			}
		}
	}()
	return w
}

// read counts leads that were read.
func (w *watch) read(n int64) { w.had.Store(n) }

// say is shown at once and while there is nothing to count.
func (w *watch) say(text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.note = text
}

// stop ends it; the terminal is then free. It may be called again.
func (w *watch) stop() {
	w.once.Do(func() {
		w.quit()
		<-w.done
		w.c.out.endProgress()
	})
}

func (w *watch) show(ctx context.Context) {
	open, err := w.c.ws.store.OpenDeliveries(ctx, w.c.name)
	if err != nil {
		return // the delivery itself will say so
	}
	for _, d := range open {
		if d.State != "sending" {
			continue
		}
		counts, err := w.c.ws.store.CountDelivery(ctx, d.ID)
		if err != nil {
			return
		}
		var all, accepted, failed, waiting int64
		for _, n := range counts {
			all += n.Rows
			switch deliver.State(n.State) {
			case deliver.Accepted:
				accepted += n.Rows
			case deliver.Rejected, deliver.Dead:
				failed += n.Rows
			case deliver.Planned, deliver.Sending, deliver.InDoubt:
				waiting += n.Rows
			}
		}
		w.c.out.progress("%s: %s of %s rows have their end, %s accepted, %s failed", w.c.name, count(all-waiting), count(all), count(accepted), count(failed))
		return
	}
	if n := w.had.Load(); n > 0 {
		w.c.out.progress("%s: %s leads compared with what it holds", w.c.name, count(n))
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.note != "" {
		w.c.out.progress("%s: %s", w.c.name, w.note)
	}
}
