package ingest

import (
	"cmp"
	"context"
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

// Ledger remembers which pages of a run are durable. *store.Store is one.
type Ledger interface {
	LandedPages(ctx context.Context, runID string) ([]store.LandedPage, error)
	LandPage(ctx context.Context, page store.LandedPage) error
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
	Log      *slog.Logger
}

// Progress is how far one source of a run has come.
type Progress struct {
	Provider      string
	Pages         int
	Rows          int64 // records and quarantined rows
	RowsPerSecond float64
	CostMicros    int64
}

// Summary is what a run has landed, earlier attempts included.
type Summary struct {
	Sources     []SourceSummary `json:"sources"`
	Records     int64           `json:"records"`
	Quarantined int64           `json:"quarantined"`
	CostMicros  int64           `json:"cost_micros"`
	Stopped     string          `json:"stopped,omitempty"` // why the run ended early with what it has: the budget
}

// SourceSummary is the part of one source.
type SourceSummary struct {
	Provider    string `json:"provider"`
	Adapter     string `json:"adapter"`
	Queries     int    `json:"queries"`
	Pages       int    `json:"pages"`
	Records     int64  `json:"records"`
	Quarantined int64  `json:"quarantined"`
	CostMicros  int64  `json:"cost_micros"`
	Capped      int    `json:"capped,omitempty"` // queries that the provider cut off: there is more
}

// Run lands every record that the run's campaign asks for and makes them
// visible in one commit. It may be repeated after any failure, also of the
// process: landed pages are not fetched again and rows do not double.
//
// A run that reaches its budget keeps what it has: Summary.Stopped says so. If
// it has nothing, the error has the code Budget. A source that gave no row is
// an Invalid error. Progress may be nil; calls of it do not overlap.
func (e *Engine) Run(ctx context.Context, run leadlake.Run, progress func(Progress)) (Summary, error) {
	e = e.withDefaults()
	plans, err := e.Plan(run.Spec)
	if err != nil {
		return Summary{}, err
	}
	landed, err := e.Ledger.LandedPages(ctx, run.RunID)
	if err != nil {
		return Summary{}, err
	}
	r := newRunning(ctx, e, run, landed, progress)
	group, groupCtx := errgroup.WithContext(ctx)
	for _, p := range plans {
		group.Go(func() error { return r.source(groupCtx, p) })
	}
	if err := group.Wait(); err != nil {
		return r.summary(plans), err
	}
	if err := e.register(ctx, r.pages()); err != nil {
		return r.summary(plans), err
	}
	s := r.summary(plans)
	return s, r.verdict(s)
}

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
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Parallel = cmp.Or(c.Parallel, 4)
	return &c
}

// running is the state of one Run.
type running struct {
	*Engine
	ctx      context.Context // the caller's
	run      leadlake.Run
	budget   *budget
	progress func(Progress)
	started  time.Time

	mu     sync.Mutex
	landed map[pageID]store.LandedPage
	capped map[string]int // by provider
	fresh  map[string]int64
	stop   error // the first Budget error
}

type pageID struct {
	query string
	page  int
}

func newRunning(ctx context.Context, e *Engine, run leadlake.Run, landed []store.LandedPage, progress func(Progress)) *running {
	r := &running{
		Engine: e, ctx: ctx, run: run, progress: progress, started: e.Now(),
		budget: &budget{limit: int64(run.Spec.Budget.MaxCostUSD * 1e6)},
		landed: map[pageID]store.LandedPage{},
		capped: map[string]int{},
		fresh:  map[string]int64{},
	}
	for _, p := range landed {
		r.landed[pageID{p.QueryID, p.Page}] = p
		r.budget.spent += p.CostMicros
	}
	return r
}

// source runs the queries of one source, a few at once.
func (r *running) source(ctx context.Context, p SourcePlan) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(r.Parallel)
	for _, q := range p.Queries {
		group.Go(func() error {
			err := r.query(ctx, p.Source, q)
			if leadlake.ErrorCode(err) == leadlake.Budget {
				r.stopped(err)
				return nil
			}
			return err
		})
	}
	return group.Wait()
}

func (r *running) stopped(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stop == nil {
		r.stop = err
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

func (r *running) summary(plans []SourcePlan) Summary {
	var s Summary
	pages := r.pages()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range plans {
		one := SourceSummary{Provider: p.Provider, Adapter: p.Source.Spec().Name, Queries: len(p.Queries), Capped: r.capped[p.Provider]}
		for _, page := range pages {
			if page.Provider == p.Provider {
				one.Pages++
				one.Records += page.Records
				one.Quarantined += page.Quarantined
				one.CostMicros += page.CostMicros
			}
		}
		s.Sources = append(s.Sources, one)
		s.Records += one.Records
		s.Quarantined += one.Quarantined
		s.CostMicros += one.CostMicros
	}
	if r.stop != nil {
		s.Stopped = leadlake.ErrorMessage(r.stop)
	}
	return s
}

// verdict says whether what has landed is enough to go on with.
func (r *running) verdict(s Summary) error {
	if r.stop != nil && s.Records == 0 {
		return r.stop
	}
	for _, one := range s.Sources {
		switch {
		case one.Records > 0 || r.stop != nil:
		case one.Quarantined > 0:
			return leadlake.Errorf(leadlake.Invalid, "source %s: none of its %d rows could be read", one.Provider, one.Quarantined).
				WithFix("read the reasons: select code, reason, count(*) from raw.quarantine where run_id = '%s' group by all", r.run.RunID)
		default:
			return leadlake.Errorf(leadlake.Invalid, "source %s: it has no row for this campaign", one.Provider).
				WithFix("widen the campaign's keywords or geo, or remove the source")
		}
	}
	return nil
}
