package ingest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/leadlake/leadlake"
)

// Lead is a resolved lead with the fields that are known of it.
type Lead struct {
	Subject
	Has map[Field]bool
}

// Enrich asks the campaign's enrichment sources for what its leads lack, and
// lands the answers. Lead by lead and field by field the next source is asked
// only where those before brought nothing; a lead that lacks nothing costs
// nothing. It stops at the budgets of run, source and lead, and leaves a source
// alone that brings less than the campaign's floor. Like Run it may be
// repeated: what has been answered is not asked again.
func (e *Engine) Enrich(ctx context.Context, run leadlake.Run, leads []Lead, progress func(Progress)) (Summary, error) {
	e = e.withDefaults()
	sources, err := e.enrichers(run.Spec)
	if err != nil || len(sources) == 0 {
		return Summary{}, err
	}
	stats, err := e.Ledger.LookupStats(ctx, run.RunID)
	if err != nil {
		return Summary{}, err
	}
	r, err := e.start(ctx, run, progress)
	if err != nil {
		return Summary{}, err
	}
	w := newWaterfall(r, sources, stats, leads)
	if r.earlier, err = w.bought(ctx); err != nil {
		return Summary{}, err
	}
	if err := w.run(ctx); err != nil {
		return w.summary(), err
	}
	if err := e.register(ctx, r.pages()); err != nil {
		return w.summary(), err
	}
	s := w.summary()
	for _, source := range sources { // what may succeed later leaves the run unfinished
		if err := r.failed[source.Spec().Name]; err != nil && leadlake.ErrorCode(err) == leadlake.Internal {
			return s, err
		}
	}
	return s, nil
}

// enrichers are the sources that a campaign names under enrichment.
func (e *Engine) enrichers(c leadlake.CampaignSpec) ([]Enricher, error) {
	var out []Enricher
	for _, name := range c.Enrichment {
		source, err := e.source(name)
		if err != nil {
			return nil, err
		}
		enricher, ok := source.(Enricher)
		if !ok {
			return nil, leadlake.Errorf(leadlake.Invalid, "campaign: %s finds businesses, it does not answer about a lead", name).
				WithFix("list it under sources, not under enrichment")
		}
		out = append(out, enricher)
	}
	return out, nil
}

// waterfall is the state of one Enrich.
type waterfall struct {
	*running
	sources []*tap
	leads   []Lead

	lock    sync.Mutex
	lookups map[string]*lookup // by query
}

// tap is a source of the waterfall.
type tap struct {
	Enricher
	name    string
	gives   []Gift
	queries [][]Query // by lead

	mu                 sync.Mutex
	asked, hits, wrong int
	closed             bool // it is not asked again
}

// lookup is a question, asked once for all leads that share it.
type lookup struct {
	once     sync.Once
	subjects []Subject
	found    answered
	err      error
}

func newWaterfall(r *running, sources []Enricher, stats []lookupStats, leads []Lead) *waterfall {
	w := &waterfall{running: r, leads: leads, lookups: map[string]*lookup{}}
	for _, s := range ranked(sources, stats) {
		t := &tap{Enricher: s.Enricher, name: s.Spec().Name, gives: s.gives, queries: make([][]Query, len(leads))}
		for i, lead := range leads {
			if !t.helps(lead.Has) {
				continue
			}
			t.queries[i] = s.Lookup(lead.Subject)
			for _, q := range t.queries[i] {
				if w.lookups[q.ID] == nil {
					w.lookups[q.ID] = &lookup{}
				}
				w.lookups[q.ID].subjects = append(w.lookups[q.ID].subjects, lead.Subject)
			}
		}
		w.sources = append(w.sources, t)
	}
	return w
}

// helps says whether the source gives a field that the lead lacks.
func (t *tap) helps(has map[Field]bool) bool {
	for _, g := range t.gives {
		if !has[g.Field] {
			return true
		}
	}
	return false
}

// run takes the leads in their order, some at once.
func (w *waterfall) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(w.Parallel * len(w.sources))
	for i := range w.leads {
		group.Go(func() error { return w.lead(ctx, i) })
	}
	return group.Wait()
}

// lead asks about one lead until it lacks nothing that may be had.
func (w *waterfall) lead(ctx context.Context, i int) error {
	has := map[Field]bool{}
	for f, ok := range w.leads[i].Has {
		has[f] = ok
	}
	spent := int64(0)
	for _, t := range w.sources {
		for _, q := range t.queries[i] {
			if err := ctx.Err(); err != nil {
				return err
			}
			if !t.open() || !t.helps(has) || w.tooDear(t, q, spent) {
				continue
			}
			found, err := w.ask(ctx, t, q)
			if err != nil {
				return err
			}
			for _, p := range found.pages {
				spent += p.CostMicros
				for _, f := range p.Notes.Gives {
					has[Field(f)] = true
				}
			}
		}
	}
	return nil
}

// tooDear says whether a question would pass the ceiling of its lead.
func (w *waterfall) tooDear(t *tap, q Query, spent int64) bool {
	ceiling := micros(w.running.run.Spec.Budget.PerLeadUSD)
	if ceiling == 0 {
		return false
	}
	req, err := t.Request(q, "")
	return err != nil || spent+req.CostMicros > ceiling
}

// ask asks once for all leads with the same question. Only the end of the run
// is an error: a source that fails is closed, and the others go on.
func (w *waterfall) ask(ctx context.Context, t *tap, q Query) (answered, error) {
	w.lock.Lock()
	l := w.lookups[q.ID]
	w.lock.Unlock()
	first := false
	l.once.Do(func() {
		first = true
		q.Subjects = l.subjects
		l.found, l.err = w.query(ctx, t.Enricher, q, 0)
	})
	if first {
		w.judge(t, l)
	}
	if l.err != nil && ctx.Err() != nil {
		return answered{}, ctx.Err()
	}
	return l.found, nil
}

// Thresholds of the waterfall.
const (
	floorAfter = 20 // lookups before the campaign's fill rate counts
	wrongAfter = 5  // lookups in a row that the provider calls wrong before that is a fault of ours
)

// judge counts a lookup, and closes the source where that says so.
func (w *waterfall) judge(t *tap, l *lookup) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l.err != nil {
		if leadlake.ErrorCode(l.err) == leadlake.Invalid { // about this lead, unless it is about all of them
			if t.wrong++; t.wrong < wrongAfter {
				w.Log.Info("lookup refused", "run_id", w.running.run.RunID, "source", t.name, "err", l.err)
				return
			}
		}
		t.closed = true
		if !errors.Is(l.err, context.Canceled) {
			w.fail(t.name, l.err)
		}
		return
	}
	t.asked++
	t.wrong = 0
	if len(l.found.pages) > 0 && len(l.found.pages[0].Notes.Gives) > 0 {
		t.hits++
	}
	floor := w.running.run.Spec.Budget.MinFillRate
	if t.asked < floorAfter || float64(t.hits) >= floor*float64(t.asked) {
		return
	}
	t.closed = true
	w.mu.Lock()
	w.weak[t.name] = fmt.Sprintf("%d of %d lookups brought something, the campaign wants %.0f%%", t.hits, t.asked, 100*floor)
	w.mu.Unlock()
}

func (t *tap) open() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return !t.closed
}

func (w *waterfall) summary() Summary {
	var all []asking
	for _, t := range w.sources {
		all = append(all, asking{t.name, t.name})
	}
	return w.summarise(all)
}
