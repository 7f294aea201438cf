package ingest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake/store"
)

// query pages through one query, from where an earlier attempt stopped.
func (r *running) query(ctx context.Context, source Source, q Query) error {
	spec := source.Spec()
	most := spec.MaxPages
	if most == 0 {
		most = DefaultMaxPages
	}
	cursor, rows := "", int64(0)
	for n := 1; n <= most; n++ {
		page, err := r.page(ctx, source, q, n, cursor)
		if err != nil {
			return err
		}
		rows += page.Records + page.Quarantined
		if page.Done {
			if spec.ResultCap > 0 && rows >= int64(spec.ResultCap) {
				r.cap(q)
			}
			return nil
		}
		if page.NextCursor == cursor {
			return leadlake.Errorf(leadlake.Unavailable, "source %s: page %d of query %s leads to itself", q.Provider, n, q.ID).
				WithFix("run it again; if it stays, the provider's paging is broken")
		}
		cursor = page.NextCursor
	}
	r.cap(q)
	return nil
}

// cap notes that there is more than the query could get.
func (r *running) cap(q Query) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.capped[q.Provider]++
	r.Log.Warn("query reached its result cap", "run_id", r.run.RunID, "source", q.Provider, "query_id", q.ID)
}

// page returns a landed page: one that an earlier attempt recorded, one that
// it left unrecorded, or a new one.
func (r *running) page(ctx context.Context, source Source, q Query, n int, cursor string) (store.LandedPage, error) {
	r.mu.Lock()
	page, ok := r.landed[pageID{q.ID, n}]
	r.mu.Unlock()
	if ok {
		return page, nil
	}
	o := origin{run: r.run, spec: source.Spec(), query: q, page: n, requestID: RequestID(q, cursor)}
	page, ok, err := o.adopt(ctx, r.Lake.Bucket())
	switch {
	case err != nil:
		return page, err
	case ok:
		r.budget.add(page.CostMicros)
	default:
		if page, err = r.fetch(ctx, source, o, cursor); err != nil {
			return page, err
		}
	}
	// It is paid and durable: recorded even if another source has failed.
	if err := r.Ledger.LandPage(context.WithoutCancel(ctx), page); err != nil {
		return page, fmt.Errorf("record page %d of query %s: %w", n, q.ID, err)
	}
	r.mu.Lock()
	r.landed[pageID{q.ID, n}] = page
	r.mu.Unlock()
	r.report(q.Provider, 0)
	return page, nil
}

// landingTimeout bounds the landing of one answer after the run has ended.
const landingTimeout = time.Minute

// fetch gets a page from the provider and makes it durable.
func (r *running) fetch(ctx context.Context, source Source, o origin, cursor string) (store.LandedPage, error) {
	var none store.LandedPage
	if err := ctx.Err(); err != nil { // another query failed or the caller gave up
		return none, err
	}
	req, err := source.Request(o.query, cursor)
	if err != nil {
		return none, err
	}
	isFile := strings.HasPrefix(req.URL, fileScheme)
	if !isFile {
		ctx = r.ctx // a paid call does not end because another query failed
	}
	if err := r.budget.reserve(o.query.Provider, req.CostMicros); err != nil {
		return none, err
	}
	resp, body, err := r.call(ctx, o.spec, req)
	if err != nil {
		if unbilled(err) {
			r.budget.add(-req.CostMicros)
		}
		return none, err
	}
	defer body.Close()
	o.cost = req.CostMicros
	// A file has no time of its own that means anything: its rows are as of
	// the run, so that reading it again writes the same objects.
	o.fetchedAt = r.run.StartedAt.UTC()
	if !isFile {
		o.fetchedAt = r.Now().UTC().Truncate(time.Microsecond)
		// What is paid for is kept, even when the caller gives up now.
		var done context.CancelFunc
		ctx, done = context.WithTimeout(context.WithoutCancel(ctx), landingTimeout)
		defer done()
	}
	var l *landing
	seen := int64(0)
	l = newLanding(ctx, r.Lake.Bucket(), o, func() {
		rows := l.page.Records + l.page.Quarantined
		r.report(o.query.Provider, rows-seen)
		seen = rows
	})
	defer l.release()
	answer, err := source.Parse(o.query, resp, l.add)
	if err != nil {
		return none, fmt.Errorf("read page %d of %s: %w", o.page, o.query.Provider, l.wait(err))
	}
	page, err := l.finish(answer.Next)
	if err != nil {
		return none, err
	}
	r.report(o.query.Provider, page.Records+page.Quarantined-seen)
	return page, nil
}

// report tells the caller how far a provider is; fresh rows were read just now.
func (r *running) report(provider string, fresh int64) {
	if r.progress == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fresh[provider] += fresh
	p := Progress{Provider: provider}
	for _, page := range r.landed {
		if page.Provider == provider {
			p.Pages++
			p.Rows += page.Records + page.Quarantined
			p.CostMicros += page.CostMicros
		}
	}
	p.Rows = max(p.Rows, r.fresh[provider]) // the page that is being read counts too
	if s := r.Now().Sub(r.started).Seconds(); s > 0 {
		p.RowsPerSecond = float64(r.fresh[provider]) / s
	}
	r.progress(p)
}

// unbilled says whether providers charge nothing for a call that ended so.
// Where the answer is unknown, the money counts as spent.
func unbilled(err error) bool {
	switch leadlake.ErrorCode(err) {
	case leadlake.Unavailable, leadlake.InDoubt, leadlake.Internal:
		return false
	}
	return true
}

// budget is the money of a run. A limit of 0 is none.
type budget struct {
	mu           sync.Mutex
	limit, spent int64 // micros
}

// reserve takes the price of a call that is about to be made, so that calls
// side by side cannot overspend together.
func (b *budget) reserve(provider string, cost int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if cost > 0 && b.limit > 0 && b.spent+cost > b.limit {
		return leadlake.Errorf(leadlake.Budget, "source %s: the next call costs $%.4f, and $%.4f of the budget of $%.2f is spent",
			provider, float64(cost)/1e6, float64(b.spent)/1e6, float64(b.limit)/1e6).
			WithFix("raise budget.max_cost_usd to get the rest")
	}
	b.spent += cost
	return nil
}

func (b *budget) add(cost int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.spent += cost
}
