package delivertest

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/internal/wire"
	"github.com/leadlake/leadlake/serve/deliver"
)

// ErrCut is the end of a call that was carried out and whose answer is lost.
var ErrCut = errors.New("no answer")

// Direct is the engine's side of a destination's methods without the engine:
// it sends each request once, judges the answer as the engine does, and keeps
// no state but what a test looks at. What an engine would stop for is an
// Unavailable error, so that other codes are the destination's own.
type Direct struct {
	T      *testing.T
	To     deliver.Destination
	Getenv func(string) string   // the secrets
	Before func(deliver.Request) // runs before each call, as somebody else would; optional
	Wait   func(time.Duration)   // lets time pass at the counterpart; optional
	Access deliver.Access        // added to each call: see Open
	Calls  int                   // how many were made
	CutAt  int                   // the call, as Calls counts, whose answer is lost; 0 for none
	Saved  string                // the last state that was saved
}

var _ deliver.Session = (*Direct)(nil)

// Open gets an access anew.
func (d *Direct) Open() {
	d.T.Helper()
	d.Access = deliver.Access{}
	access, err := d.To.Authorize(d)
	Must(d.T, err)
	d.Access = access
}

// Call sends a request.
func (d *Direct) Call(r deliver.Request) (deliver.Response, error) {
	if d.Before != nil {
		d.Before(r)
	}
	d.Calls++
	base := strings.TrimSuffix(cmp.Or(d.Access.BaseURL, d.To.Spec().BaseURL), "/")
	req, err := http.NewRequestWithContext(d.T.Context(), cmp.Or(r.Method, http.MethodGet), base+r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return deliver.Response{}, err
	}
	for _, h := range []http.Header{r.Header, d.Access.Header} {
		for name, values := range h {
			req.Header[http.CanonicalHeaderKey(name)] = values
		}
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return deliver.Response{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return deliver.Response{}, err
	}
	if d.Calls == d.CutAt {
		return deliver.Response{}, ErrCut
	}
	verdict := d.verdict(resp, body)
	switch verdict {
	case deliver.Fine, deliver.Pending, deliver.Miss, deliver.Wrong, deliver.Erased:
		return deliver.Response{Status: resp.StatusCode, Header: resp.Header, Body: body, Verdict: verdict}, nil
	}
	return deliver.Response{}, leadlake.Errorf(leadlake.Unavailable, "%s: %s", verdict, body)
}

// verdict is the destination's own judgement, or what HTTP says.
func (d *Direct) verdict(resp *http.Response, body []byte) deliver.Verdict {
	if judge, ok := d.To.(deliver.Judge); ok {
		if j := judge.Judge(resp.StatusCode, resp.Header, body); j.Verdict != wire.ByStatus {
			return j.Verdict
		}
	}
	return wire.JudgementOf(resp).Verdict
}

// Save keeps a state as Saved.
func (d *Direct) Save(state string) error { d.Saved = state; return nil }

// Sleep does not: it calls Wait.
func (d *Direct) Sleep(wait time.Duration) error {
	if d.Wait != nil {
		d.Wait(wait)
	}
	return nil
}

// Now is the time.
func (d *Direct) Now() time.Time { return time.Now() }

// Secret is one that Getenv knows.
func (d *Direct) Secret(name string) string { return d.Getenv(name) }

// Send delivers rows as one batch. Each has to have an outcome.
func (d *Direct) Send(rows ...deliver.Row) []deliver.Outcome {
	d.T.Helper()
	out, err := d.To.Deliver(d, deliver.Batch{ID: "b1", Rows: rows})
	Must(d.T, err)
	if len(out) != len(rows) {
		d.T.Fatalf("%d outcomes of %d rows", len(out), len(rows))
	}
	return out
}

// Find reads rows back.
func (d *Direct) Find(rows ...deliver.Row) []deliver.Found {
	d.T.Helper()
	found, err := d.To.Probe(d, rows)
	Must(d.T, err)
	if len(found) != len(rows) {
		d.T.Fatalf("%d found for %d rows", len(found), len(rows))
	}
	return found
}

// Fields are those that the destination describes, by name. The default
// mapping has to fit them.
func (d *Direct) Fields() map[string]deliver.Field {
	d.T.Helper()
	schema, err := d.To.Describe(d)
	Must(d.T, err)
	mapping, err := deliver.DefaultMapping(d.To.Spec().Name)
	Must(d.T, err)
	if problems := mapping.Fits(schema); len(problems) > 0 {
		d.T.Errorf("the default mapping: %+v", problems)
	}
	fields := map[string]deliver.Field{}
	for _, f := range schema.Fields {
		fields[f.Name] = f
	}
	return fields
}

// mostPages is when a pull is taken for one that does not end.
const mostPages = 20

// Pull reads the feedback from a cursor to its end: the events by id, and the
// cursor of what comes after.
func (d *Direct) Pull(cursor string) (events map[string]deliver.Event, next string) {
	d.T.Helper()
	events = map[string]deliver.Event{}
	for range mostPages {
		page, err := d.To.Feedback(d, cursor)
		Must(d.T, err)
		for _, e := range page.Events {
			events[e.ID] = e
		}
		if cursor = page.Next; !page.More {
			return events, cursor
		}
	}
	d.T.Fatalf("a pull does not end: %s", cursor)
	return nil, ""
}

// PullNone is the first pull, when nothing has happened yet.
func (d *Direct) PullNone() (next string) {
	d.T.Helper()
	events, next := d.Pull("")
	if len(events) != 0 {
		d.T.Errorf("events before anything happened: %v", events)
	}
	return next
}

// Follow pulls the feedback day by day, where nothing has happened yet. Every
// event has a time and a key with the prefix, each of the kinds comes, and a
// pull from the beginning has nothing that those of the days lack.
func (d *Direct) Follow(days int, nextDay func(), prefix string, kinds ...deliver.Kind) {
	d.T.Helper()
	seen, counts := map[string]bool{}, map[deliver.Kind]int{}
	cursor := d.PullNone()
	for range days {
		nextDay()
		var events map[string]deliver.Event
		events, cursor = d.Pull(cursor)
		for id, e := range events {
			if !strings.HasPrefix(e.Key, prefix) || e.At.IsZero() {
				d.T.Fatalf("%+v", e)
			}
			if !seen[id] {
				seen[id] = true
				counts[e.Kind]++
			}
		}
	}
	for _, kind := range kinds {
		if counts[kind] == 0 {
			d.T.Errorf("no %s in %v", kind, counts)
		}
	}
	again, _ := d.Pull("")
	for id := range again {
		if !seen[id] {
			d.T.Errorf("a pull from the beginning has %s, which the others lack", id)
		}
	}
}

// Must ends a test that cannot go on.
func Must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
