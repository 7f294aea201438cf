package main

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/internal/wire"
	"github.com/leadlake/leadlake/lake"
	"github.com/leadlake/leadlake/lake/store"
	"github.com/leadlake/leadlake/serve/deliver"
)

// sendEnv holds the job of a process that sends: the program starts itself.
const sendEnv = "LEADLAKE_CHAOSDELIVER_SEND"

// job is what a sender is told.
type job struct {
	Sandbox string
	Folder  string // of ledger and files
	Rows    int
	Seed    uint64 // of the faults of the bucket
	Bench   string // a place: deliver to it twice and say how fast that was
	Clock   slowed // of Bench
}

// lease is short, so that what a killed sender held is soon taken up.
const lease = time.Second

// clockRate is how much faster the door's time goes: its waits are what
// providers ask for, seconds each, and nothing is learnt from them here.
const clockRate = 20

// sendIfAsked is the whole of a process that sends; in others it does nothing.
func sendIfAsked() error {
	text := os.Getenv(sendEnv)
	if text == "" {
		return nil
	}
	var j job
	err := json.Unmarshal([]byte(text), &j)
	switch {
	case err != nil:
	case j.Bench != "":
		err = j.measure(context.Background())
	default:
		err = j.send(context.Background())
	}
	if err == nil {
		os.Exit(0)
	}
	return err
}

func (j job) ledger() string { return filepath.Join(j.Folder, "control.sqlite") }

// bucket is the folder that stands in for S3.
func (j job) bucket() (*lake.Bucket, error) {
	return lake.NewDirBucket(filepath.Join(j.Folder, "objects"))
}

// send delivers all campaigns to all places at once, until each is through.
func (j job) send(ctx context.Context) error {
	ledger, err := store.Open(ctx, j.ledger(), store.Options{})
	if err != nil {
		return err
	}
	defer ledger.Close()
	bucket, err := j.bucket()
	if err != nil {
		return err
	}
	bucket = lake.Faulty(bucket, bucketFaults(j.Seed))
	all := places(j.Sandbox)
	p := pace{done: make([]float64, len(all))}
	var g errgroup.Group
	for n, to := range all {
		e, err := j.engine(to, ledger, bucket)
		if err != nil {
			return err
		}
		g.Go(func() error { return p.deliver(ctx, n, e, to, j.Rows) })
	}
	return g.Wait()
}

// bucketFaults let a fifth of all writes lose their answer, and one in twenty
// fail.
func bucketFaults(seed uint64) func(int64, string, string) lake.Fault {
	var mu sync.Mutex
	d := rand.New(rand.NewPCG(seed, 3))
	return func(_ int64, op, _ string) lake.Fault {
		mu.Lock()
		x := d.Float64()
		mu.Unlock()
		lost := leadlake.Errorf(leadlake.Unavailable, "%s: no answer", op)
		switch {
		case x < acceptShare:
			return lake.Fault{Lost: lost}
		case x < acceptShare+errorShare:
			return lake.Fault{Err: lost}
		}
		return lake.Fault{}
	}
}

// engine delivers to one place, through a door of its own.
func (j job) engine(p *place, ledger *store.Store, bucket *lake.Bucket) (*sender, error) {
	to, mapping, err := p.destination()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	cfg := wire.Config{
		Allow: []string{"127.0.0.1"}, BreakerDelay: 50 * time.Millisecond, BaseDelay: 200 * time.Millisecond,
		Now: func() time.Time { return began.Add(clockRate * time.Since(began)) },
		Sleep: func(ctx context.Context, d time.Duration) error {
			select {
			case <-time.After(d / clockRate):
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		},
	}
	if p.app != "" {
		cfg.Providers = []wire.Provider{deliver.Provider(to)}
	}
	if p.kind == "webhook" {
		cfg.MaxAttempts = 1
	}
	door, err := wire.New(cfg)
	if err != nil {
		return nil, err
	}
	return &sender{
		to: to, mapping: mapping, ledger: ledger,
		Engine: &deliver.Engine{
			Ledger: ledger, HTTP: door, Bucket: bucket, Getenv: getenv, Lease: lease,
			Rand: func() float64 { return rand.Float64() / clockRate }, // waits before another attempt are as much shorter
		},
	}, nil
}

type sender struct {
	*deliver.Engine
	to      deliver.Destination
	mapping deliver.Mapping
	ledger  *store.Store
}

// pace keeps the places together, so that each is at work whenever a sender is
// killed.
type pace struct {
	mu   sync.Mutex
	done []float64
}

const apart = 0.15

func (p *pace) wait(n int, done float64) {
	for {
		p.mu.Lock()
		p.done[n] = done
		least := done
		for _, other := range p.done {
			least = min(least, other)
		}
		p.mu.Unlock()
		if done-least < apart || done == 1 {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (p *pace) deliver(ctx context.Context, n int, s *sender, to *place, rows int) error {
	campaigns := to.campaigns(rows)
	for i, c := range campaigns {
		p.wait(n, float64(i)/float64(len(campaigns)))
		for wave := firstWave; wave <= secondWave; wave++ {
			if err := s.deliver(ctx, to.name, c, wave); err != nil {
				return err
			}
		}
	}
	p.wait(n, 1)
	return nil
}

// deliver repeats a delivery until it is through, as an operator would.
func (s *sender) deliver(ctx context.Context, destination string, c campaign, wave int) error {
	for {
		done, err := s.through(ctx, destination, c.run(wave))
		if err != nil || done {
			return err
		}
		_, err = s.Deliver(ctx, deliver.Order{
			Destination: destination, To: s.to, Mapping: s.mapping, Mode: deliver.Sync, Scope: c.scope, RunID: c.run(wave), Leads: s.leads(ctx, destination, c, wave),
		})
		switch leadlake.ErrorCode(err) {
		case "", leadlake.Unavailable, leadlake.RateLimited, leadlake.Conflict: // the sandbox was too bad for the moment, or another plans
		default:
			return fmt.Errorf("deliver %s to %s: %w", c.run(wave), destination, err)
		}
		time.Sleep(20*time.Millisecond + rand.N(80*time.Millisecond))
	}
}

// through says whether a delivery was planned to its end, and nothing is open.
func (s *sender) through(ctx context.Context, destination, run string) (bool, error) {
	all, err := s.ledger.Deliveries(ctx, destination, 100_000)
	done := false
	for _, d := range all {
		if d.State == store.DeliverySending {
			return false, err
		}
		done = done || d.RunID == run && d.Error == "" && d.State == store.DeliveryDone
	}
	return done, err
}

// leads are those of a campaign, unless another process has planned to deliver
// them meanwhile, and perhaps the next wave as well, which this one would undo.
// They are asked for by the only one that plans.
func (s *sender) leads(ctx context.Context, destination string, c campaign, wave int) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		all, err := s.ledger.Deliveries(ctx, destination, 100_000)
		for _, d := range all {
			if d.RunID == c.run(wave) && d.Error == "" && d.State != store.DeliveryPlanning {
				err = leadlake.Errorf(leadlake.Conflict, "another process delivers %s", c.run(wave))
			}
		}
		if err != nil {
			yield(nil, err)
			return
		}
		leads(c.first, c.n, wave)(yield)
	}
}
