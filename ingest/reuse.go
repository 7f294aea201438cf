package ingest

import (
	"context"
	"fmt"
	"time"

	"github.com/leadlake/leadlake/lake/store"
)

// freshFor is how long an answer about a lead is not bought again.
const freshFor = 30 * 24 * time.Hour

// earlierAnswer is what another run has bought.
type earlierAnswer struct {
	page    store.LandedPage
	records []Record
}

// bought finds the lookups of this run that another run has paid for, and that
// are young enough to stand.
func (w *waterfall) bought(ctx context.Context) (map[string]earlierAnswer, error) {
	found := map[string]earlierAnswer{}
	since := w.Now().Add(-freshFor)
	for _, t := range w.sources {
		pages, err := w.Ledger.EarlierLookups(ctx, t.name, w.running.run.RunID, since)
		if err != nil {
			return nil, err
		}
		for _, p := range pages {
			if w.lookups[p.QueryID] != nil {
				found[p.QueryID] = earlierAnswer{page: p}
			}
		}
	}
	if len(found) == 0 {
		return found, nil
	}
	session, err := w.Lake.Session(ctx)
	if err != nil {
		return nil, err
	}
	defer session.Close()
	// The answers of a chain stand once for each of its branches.
	rows, err := session.Query(ctx, `
		select distinct run_id, query_id, entity_kind, provider_key, raw
		from raw.source_records
		where subject_key is not null and fetched_at >= $1
		order by all`, since)
	if err != nil {
		return nil, fmt.Errorf("read earlier answers: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var run, query, raw string
		var r Record
		if err := rows.Scan(&run, &query, &r.EntityKind, &r.Key, &raw); err != nil {
			return nil, fmt.Errorf("read earlier answers: %w", err)
		}
		if e, ok := found[query]; ok && e.page.RunID == run {
			r.Raw = []byte(raw)
			e.records = append(e.records, r)
			found[query] = e
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read earlier answers: %w", err)
	}
	for id, e := range found { // its rows are not there any more: it has to be bought again
		if len(e.records) == 0 && e.page.Records > 0 {
			delete(found, id)
		}
	}
	return found, nil
}

// reuse lands an earlier answer as one of this run, of the time when it was
// given and without a price.
func (r *running) reuse(ctx context.Context, source Source, o *origin, e earlierAnswer) (store.LandedPage, error) {
	o.fetchedAt = e.page.At
	return r.land(ctx, repeated{source, e}, o, Response{})
}

// repeated stands in for a source whose answer is known.
type repeated struct {
	Source
	earlier earlierAnswer
}

// Parse gives the known rows.
func (s repeated) Parse(_ Query, _ Response, emit func(Record) error) (Page, error) {
	for _, r := range s.earlier.records {
		if err := emit(r); err != nil {
			return Page{}, err
		}
	}
	return Page{Total: s.earlier.page.Notes.Total, Unknown: s.earlier.page.Notes.Unknown}, nil
}
