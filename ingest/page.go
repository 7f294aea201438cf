package ingest

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake/store"
)

// answered is what a query has brought.
type answered struct {
	pages []store.LandedPage
	rows  int
	more  bool // the provider has more than it gave
}

// query pages through one query, from where an earlier attempt stopped. At
// most says how many pages to ask; 0 for all that there are.
func (r *running) query(ctx context.Context, source Source, q Query, most int) (answered, error) {
	r.mu.Lock()
	r.asked[q.ID] = true
	r.mu.Unlock()
	spec := source.Spec()
	if most == 0 {
		most = spec.MaxPages
	}
	if most == 0 {
		most = DefaultMaxPages
	}
	var a answered
	cursor := ""
	for n := 1; n <= most; n++ {
		page, err := r.page(ctx, source, q, n, cursor)
		if err != nil {
			return a, err
		}
		a.pages = append(a.pages, page)
		a.rows += int(page.Records + page.Quarantined)
		if err := r.drift(q.Provider, a); err != nil {
			return a, err
		}
		limit := cmp.Or(q.Cap, spec.ResultCap)
		if q.Tile != nil && limit > 0 && page.Notes.Total > int64(limit) { // it is going to be cut: further pages would be wasted
			a.more = true
			return a, nil
		}
		if page.Done {
			a.more = limit > 0 && a.rows >= limit && (page.Notes.Total == 0 || page.Notes.Total > int64(a.rows))
			if a.more && q.Tile == nil {
				r.cap(q.Provider, 1)
			}
			return a, nil
		}
		if page.NextCursor == cursor {
			return a, leadlake.Errorf(leadlake.Unavailable, "source %s: page %d of query %s leads to itself", q.Provider, n, q.ID).
				WithFix("run it again; if it stays, the provider's paging is broken")
		}
		cursor = page.NextCursor
	}
	a.more = true
	if q.Tile == nil {
		r.cap(q.Provider, 1)
	}
	return a, nil
}

// Rows that cannot be read: a few are a provider's slips, many are a format
// that has changed, and going on would only pay for more of them.
const (
	driftRows  = 20
	driftShare = 0.5
)

// drift ends a source most of whose rows cannot be read. Files are free and
// read to their end.
func (r *running) drift(provider string, a answered) error {
	var good, bad, cost int64
	for _, p := range a.pages {
		good, bad, cost = good+p.Records, bad+p.Quarantined, cost+p.CostMicros
	}
	if cost == 0 || good+bad < driftRows || float64(bad) < driftShare*float64(good+bad) {
		return nil
	}
	return leadlake.Errorf(leadlake.Invalid, "source %s: %d of %d rows cannot be read; the provider's format seems to have changed", provider, bad, good+bad).
		WithFix("read the reasons: select code, reason, count(*) from raw.quarantine where run_id = '%s' group by all", r.run.RunID)
}

// cap notes that there is more than a search could get.
func (r *running) cap(provider string, searches int) {
	if searches == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.capped[provider] += searches
	r.Log.Warn("search reached its result cap", "run_id", r.run.RunID, "source", provider, "searches", searches)
}

// page returns a landed page: one that an earlier attempt recorded, one that
// it left unrecorded, or a new one.
func (r *running) page(ctx context.Context, source Source, q Query, n int, cursor string) (store.LandedPage, error) {
	id := pageID{q.Provider, q.ID, n}
	r.mu.Lock()
	page, ok := r.landed[id]
	r.mu.Unlock()
	if ok {
		return page, nil
	}
	o := origin{run: r.run, spec: source.Spec(), query: q, page: n, requestID: RequestID(q, cursor)}
	page, ok, err := o.adopt(ctx, r.Lake.Bucket())
	if err != nil {
		return page, err
	}
	var call *store.Call
	known, bought := r.earlier[q.ID]
	switch {
	case ok:
		call = r.adopted(o, page)
	case bought:
		page, err = r.reuse(ctx, source, &o, known)
	default:
		page, call, err = r.fetch(ctx, source, &o, cursor)
	}
	if err != nil {
		return page, err
	}
	// It is paid and durable: recorded even if another source has failed.
	if err := r.Ledger.LandPage(context.WithoutCancel(ctx), page, call); err != nil {
		return page, fmt.Errorf("record page %d of query %s: %w", n, q.ID, err)
	}
	r.forget(o.requestID)
	r.mu.Lock()
	r.keep(page)
	r.mu.Unlock()
	r.report(q.Provider, 0)
	return page, nil
}

// adopted ends the call that brought a page whose landing was not recorded.
func (r *running) adopted(o origin, page store.LandedPage) *store.Call {
	r.mu.Lock()
	call, ok := r.open[o.requestID]
	delete(r.open, o.requestID)
	r.mu.Unlock()
	if !ok {
		return nil
	}
	r.budget.settle(o.query.Provider, page.CostMicros-call.PriceMicros)
	r.complete(&call, o, page)
	return &call
}

// complete writes into a call what its page says.
func (r *running) complete(call *store.Call, o origin, page store.LandedPage) {
	call.QueryID, call.Page, call.IsLookup = o.query.ID, o.page, len(o.query.Subjects) > 0
	call.Verdict = string(Fine)
	switch {
	case page.Notes.Erased:
		call.Verdict = string(Erased)
	case page.Notes.Miss:
		call.Verdict = string(Miss)
	}
	call.PriceMicros, call.Rows, call.Gives = page.CostMicros, page.Records, page.Notes.Gives
	call.EndedAt = r.Now()
}

// landingTimeout bounds the landing of one answer after the run has ended.
const landingTimeout = time.Minute

// fetch gets a page from the provider and makes it durable. The call is nil
// where nobody was called.
func (r *running) fetch(ctx context.Context, source Source, o *origin, cursor string) (store.LandedPage, *store.Call, error) {
	var none store.LandedPage
	if err := ctx.Err(); err != nil { // another query failed or the caller gave up
		return none, nil, err
	}
	req, err := source.Request(o.query, cursor)
	if err != nil {
		return none, nil, err
	}
	if req.SQL != "" || strings.HasPrefix(req.URL, fileScheme) {
		page, err := r.local(ctx, source, o, req)
		return page, nil, err
	}
	ctx = r.ctx // a paid call does not end because another query failed
	call, err := r.begin(ctx, o, req)
	if err != nil {
		return none, nil, err
	}
	resp, verdict, err := r.ask(ctx, source, *o, req, call)
	if err != nil {
		return none, nil, r.lost(ctx, call, o, err)
	}
	o.cost = req.CostMicros
	o.fetchedAt = r.Now().UTC().Truncate(time.Microsecond)
	// What is paid for is kept, even when the caller gives up now.
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), landingTimeout)
	defer done()
	if verdict != Fine {
		if verdict != Miss || !o.spec.BillsMisses {
			o.cost = 0
		}
		source = missed{source, verdict}
	}
	page, err := r.land(ctx, source, o, resp)
	if err != nil {
		return none, nil, r.lost(ctx, call, o, err)
	}
	r.budget.settle(o.query.Provider, page.CostMicros-call.PriceMicros)
	r.complete(call, *o, page)
	return page, call, nil
}

// missed stands in for a source whose answer has nothing to read.
type missed struct {
	Source
	verdict Verdict
}

// Parse gives no row.
func (missed) Parse(Query, Response, func(Record) error) (Page, error) { return Page{}, nil }

// local reads a file or runs a query. Neither has a time of its own that means
// anything: rows are as of the run, so that reading again writes the same
// objects.
func (r *running) local(ctx context.Context, source Source, o *origin, req Request) (store.LandedPage, error) {
	var resp Response
	var err error
	if req.SQL != "" {
		resp, err = r.sqlRows(ctx, req)
	} else {
		resp, err = r.file(strings.TrimPrefix(req.URL, fileScheme))
	}
	if err != nil {
		return store.LandedPage{}, err
	}
	defer resp.close()
	o.fetchedAt = r.run.StartedAt.UTC()
	return r.land(ctx, source, o, resp)
}

// land parses an answer and makes its rows durable.
func (r *running) land(ctx context.Context, source Source, o *origin, resp Response) (store.LandedPage, error) {
	var l *landing
	seen := int64(0)
	l = newLanding(ctx, r.Lake.Bucket(), *o, func() {
		rows := l.page.Records + l.page.Quarantined
		r.report(o.query.Provider, rows-seen)
		seen = rows
	})
	defer l.release()
	switch s := source.(type) {
	case missed:
		l.page.Notes.Miss, l.page.Notes.Erased = true, s.verdict == Erased
	case repeated:
		l.page.Notes = s.earlier.page.Notes
	}
	l.page.Notes.About = o.query.where()
	answer, err := source.Parse(o.query, resp, l.add)
	if err != nil {
		return l.page, fmt.Errorf("read page %d of %s: %w", o.page, o.query.Provider, l.wait(err))
	}
	page, err := l.finish(answer)
	if err != nil {
		return l.page, err
	}
	r.report(o.query.Provider, page.Records+page.Quarantined-seen)
	return page, nil
}

// begin reserves the price of a call and writes it down, so that it counts as
// spent whatever happens to this process. A call of a dead process that is
// made again takes its place, where its answer cannot be lost.
func (r *running) begin(ctx context.Context, o *origin, req Request) (*store.Call, error) {
	r.mu.Lock()
	earlier, again := r.open[o.requestID]
	if again && r.Outlives {
		delete(r.open, o.requestID)
	}
	r.mu.Unlock()
	if again && r.Outlives {
		return &earlier, nil
	}
	if err := r.budget.reserve(o.query.Provider, req.CostMicros); err != nil {
		return nil, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, leadlake.Errorf(leadlake.Internal, "make call id: %w", err)
	}
	call := &store.Call{
		ID: id.String(), RunID: r.run.RunID, Provider: o.query.Provider, Endpoint: req.Endpoint, RequestID: o.requestID,
		QueryID: o.query.ID, Page: o.page, IsLookup: len(o.query.Subjects) > 0, PriceMicros: req.CostMicros, StartedAt: r.Now(),
	}
	if req.CostMicros == 0 {
		return call, nil
	}
	if err := r.Ledger.SaveCall(ctx, *call); err != nil {
		r.budget.settle(o.query.Provider, -req.CostMicros)
		return nil, err
	}
	return call, nil
}

// lost ends a call that brought nothing and returns the error that says why.
func (r *running) lost(ctx context.Context, call *store.Call, o *origin, cause error) error {
	price := call.PriceMicros
	if unbilled(cause) {
		price = 0
	}
	r.budget.settle(o.query.Provider, price-call.PriceMicros)
	call.PriceMicros, call.EndedAt = price, r.Now()
	if call.Verdict == "" {
		call.Verdict = string(leadlake.ErrorCode(cause))
	}
	r.forget(o.requestID) // asked again, it has to be answered anew
	if err := r.Ledger.SaveCall(context.WithoutCancel(ctx), *call); err != nil {
		r.Log.Error("call not recorded", "run_id", r.run.RunID, "source", o.query.Provider, "err", err)
	}
	return cause
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

// report tells the caller how far a provider is; fresh rows were read just now.
func (r *running) report(provider string, fresh int64) {
	if r.progress == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fresh[provider] += fresh
	p := r.done[provider]
	p.Provider = provider
	p.Rows = max(p.Rows, r.fresh[provider]) // the page that is being read counts too
	if s := r.Now().Sub(r.started).Seconds(); s > 0 {
		p.RowsPerSecond = float64(r.fresh[provider]) / s
	}
	r.progress(p)
}
