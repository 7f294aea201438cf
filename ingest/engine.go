package ingest

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
	"github.com/leadlake/leadlake/lake/store"
)

// Ledger remembers which pages of a run are durable and what was spent.
// *store.Store is one.
type Ledger interface {
	LandedPages(ctx context.Context, runID string) ([]store.LandedPage, error)
	LandPage(ctx context.Context, page store.LandedPage, call *store.Call) error
	SaveCall(ctx context.Context, call store.Call) error
	OpenCalls(ctx context.Context, runID string) ([]store.Call, error)
	Spent(ctx context.Context, runID string) (map[string]int64, error)
	LookupStats(ctx context.Context, exceptRunID string) ([]store.LookupStats, error)
	EarlierLookups(ctx context.Context, provider, exceptRunID string, since time.Time) ([]store.LandedPage, error)
	PagesOfQuestion(ctx context.Context, provider, question string, since time.Time) ([]store.LandedPage, error)
	Yield(ctx context.Context, c leadlake.CampaignSpec) (store.Yield, error)
}

// Engine runs sources and lands what they say. Lake, Ledger and Sources are
// required, HTTP where a source calls a provider.
type Engine struct {
	Lake     *lake.Lake
	Ledger   Ledger
	Sources  []Source
	HTTP     Doer
	Files    func(path string) (File, error) // OpenFile by default
	Getenv   func(name string) string        // where credentials are; os.Getenv by default
	BaseURLs map[string]string               // by source name, in place of Spec.BaseURL
	Parallel int                             // queries of one source at once; 4 by default
	Now      func() time.Time
	Sleep    func(context.Context, time.Duration) error
	Log      *slog.Logger

	// Outlives says that HTTP keeps an answer whose asker has died and gives
	// it to the next who asks the same: a call whose end is unknown is then
	// not counted twice.
	Outlives bool
}

// Run lands every record that the run's campaign asks for and makes them
// visible in one commit. It may be repeated after any failure, also of the
// process: landed pages are not fetched again and rows do not double.
//
// A source that fails does not stop the others; SourceSummary.Failed says why.
// The error is that of a source that may succeed when the run is repeated, or,
// where no source gave a record, of the first that failed. A run that reaches
// its budget keeps what it has: Summary.Stopped says so. If it has nothing, the
// error has the code Budget. Progress may be nil; calls of it do not overlap.
func (e *Engine) Run(ctx context.Context, run leadlake.Run, progress func(Progress)) (Summary, error) {
	e = e.withDefaults()
	plans, err := e.Plan(run.Spec)
	if err != nil {
		return Summary{}, err
	}
	r, err := e.start(ctx, run, progress)
	if err != nil {
		return Summary{}, err
	}
	if len(r.landed) == 0 { // nothing is spent yet
		if err := e.Preflight(run.Spec); err != nil {
			return Summary{}, err
		}
	}
	var group errgroup.Group
	var sources []asking
	for _, p := range plans {
		sources = append(sources, asking{p.Provider, p.Source.Spec().Name})
		group.Go(func() error {
			r.fail(p.Provider, r.source(ctx, p))
			return nil
		})
	}
	group.Wait() //nolint:errcheck // a source's error is noted by fail
	if err := ctx.Err(); err != nil {
		return r.summarise(sources), err
	}
	s := r.summarise(sources)
	final, again := r.verdict(s)
	if again != nil { // what the run has is shown once it is whole
		return s, again
	}
	if err := e.register(ctx, r.pages()); err != nil {
		return s, err
	}
	return s, final
}

// asking is a source of a run by its two names.
type asking struct{ provider, adapter string }

func (e *Engine) withDefaults() *Engine {
	c := *e
	if c.Files == nil {
		c.Files = OpenFile
	}
	if c.Getenv == nil {
		c.Getenv = os.Getenv
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Sleep == nil {
		c.Sleep = sleep
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Parallel = cmp.Or(c.Parallel, 4)
	return &c
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// running is the state of one Run or Enrich.
type running struct {
	*Engine
	ctx      context.Context // the caller's
	run      leadlake.Run
	budget   *budget
	progress func(Progress)
	started  time.Time

	mu     sync.Mutex
	landed map[pageID]store.LandedPage
	open   map[string]store.Call // by request: calls of a dead process, of which nobody knows the end
	asked  map[string]bool       // queries of this call
	capped map[string]int        // by provider
	fresh  map[string]int64      // rows by provider that were read just now
	done   map[string]Progress   // by provider: what has landed, in sums
	failed map[string]error      // by provider
	weak   map[string]string     // by provider: what it brought is too little to go on

	earlier map[string]earlierAnswer // by query: what a run before this one has bought
	stop    error                    // the first error of the budget
}

type pageID struct {
	provider, query string
	page            int
}

func (e *Engine) start(ctx context.Context, run leadlake.Run, progress func(Progress)) (*running, error) {
	landed, err := e.Ledger.LandedPages(ctx, run.RunID)
	if err != nil {
		return nil, err
	}
	open, err := e.Ledger.OpenCalls(ctx, run.RunID)
	if err != nil {
		return nil, err
	}
	spent, err := e.Ledger.Spent(ctx, run.RunID)
	if err != nil {
		return nil, err
	}
	r := &running{
		Engine: e, ctx: ctx, run: run, progress: progress, started: e.Now(),
		budget: newBudget(run.Spec.Budget, spent),
		landed: map[pageID]store.LandedPage{},
		open:   map[string]store.Call{},
		asked:  map[string]bool{},
		capped: map[string]int{},
		fresh:  map[string]int64{},
		done:   map[string]Progress{},
		failed: map[string]error{},
		weak:   map[string]string{},
	}
	for _, p := range landed {
		r.keep(p)
	}
	for _, c := range open {
		r.open[c.RequestID] = c
	}
	return r, nil
}

// keep notes a landed page. The caller holds the lock, or has the only
// reference.
func (r *running) keep(p store.LandedPage) {
	r.landed[pageID{p.Provider, p.QueryID, p.Page}] = p
	sum := r.done[p.Provider]
	sum.Pages++
	sum.Rows += p.Records + p.Quarantined
	sum.CostMicros += p.CostMicros
	r.done[p.Provider] = sum
}

// source runs the queries of one source, a few at once.
func (r *running) source(ctx context.Context, p SourcePlan) error {
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(r.Parallel)
	var tiled []Query
	for _, q := range p.Queries {
		if q.Tile != nil {
			tiled = append(tiled, q)
			continue
		}
		group.Go(func() error {
			_, err := r.query(groupCtx, p.Source, q, 0)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for _, q := range tiled {
		if err := r.tiles(ctx, p.Source.(Tiled), q); err != nil {
			return err
		}
	}
	return nil
}

// fail notes why a source gave up. Reaching the budget is no failure of it.
func (r *running) fail(provider string, err error) {
	if err == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := errors.AsType[budgetError](err); ok {
		if r.stop == nil {
			r.stop = err
		}
		return
	}
	if r.failed[provider] == nil { // calls side by side fail together: one line says it
		r.failed[provider] = err
		r.Log.Info("source failed", "run_id", r.run.RunID, "source", provider, "err", err)
	}
}

// pages lists what has landed, in a fixed order.
func (r *running) pages() []store.LandedPage {
	r.mu.Lock()
	defer r.mu.Unlock()
	var pages []store.LandedPage
	for _, p := range r.landed {
		pages = append(pages, p)
	}
	slices.SortFunc(pages, func(a, b store.LandedPage) int {
		return cmp.Or(cmp.Compare(a.Provider, b.Provider), cmp.Compare(a.QueryID, b.QueryID), cmp.Compare(a.Page, b.Page))
	})
	return pages
}

// verdict says why what has landed is not enough: final where it stays so,
// again where the same run may succeed when it is repeated. A source without a
// row has failed, it is no empty success.
func (r *running) verdict(s Summary) (final, again error) {
	var first error
	note := func(err error) {
		if first == nil {
			first = err
		}
		if again == nil && (leadlake.ErrorCode(err).Retryable() && leadlake.ErrorCode(err) != leadlake.RateLimited || leadlake.ErrorCode(err) == leadlake.Internal) {
			again = err
		}
	}
	for i, one := range s.Sources {
		switch {
		case r.failed[one.Provider] != nil:
			note(r.failed[one.Provider])
		case one.Records > 0 || r.stop != nil:
		default:
			err := r.noRow(one)
			s.Sources[i].Failed = leadlake.ErrorMessage(err)
			note(err)
		}
	}
	switch {
	case again != nil:
		return nil, again
	case s.Records > 0:
		return nil, nil
	case r.stop != nil:
		return r.stop, nil
	}
	return first, nil
}

func (r *running) noRow(one SourceSummary) error {
	if one.Quarantined > 0 {
		return leadlake.Errorf(leadlake.Invalid, "source %s: none of its %d rows could be read", one.Provider, one.Quarantined).
			WithFix("read the reasons: select code, reason, count(*) from raw.quarantine where run_id = '%s' group by all", r.run.RunID)
	}
	return leadlake.Errorf(leadlake.Invalid, "source %s: it has no row for this campaign", one.Provider).
		WithFix("widen the campaign's keywords or geo, or remove the source")
}
