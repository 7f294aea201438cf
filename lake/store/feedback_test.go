package store

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/internal/testservers"
)

// feedbackCases run with two handles, which stand for two processes.
var feedbackCases = map[string]func(t *testing.T, a, b *Store, c *clock){
	"a cursor moves with the events that wait":         feedbackCursor,
	"an event that comes again waits once":             feedbackOnce,
	"a suppression holds until it is taken off":        suppressionHolds,
	"what was taken off comes back for a later reason": suppressionReturns,
	"a list has one key":                               suppressionKey,
	"destinations are those of deliveries":             feedbackDestinations,
}

func TestFeedbackOnSQLite(t *testing.T) {
	t.Parallel()
	feedbackSuite(t, func(t *testing.T) string { return filepath.Join(t.TempDir(), "control.sqlite") })
}

func TestFeedbackOnPostgres(t *testing.T) {
	t.Parallel()
	server := testservers.StartPostgres(t)
	feedbackSuite(t, func(t *testing.T) string { return server.Database(t) })
}

func feedbackSuite(t *testing.T, dsn func(*testing.T) string) {
	for name, test := range feedbackCases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := bundle{clock: newClock(), dsn: dsn(t)}
			test(t, x.reopen(t), x.reopen(t), x.clock)
		})
	}
}

func feedbackCursor(t *testing.T, a, b *Store, c *clock) {
	got, err := a.FeedbackCursor(t.Context(), "crm")
	must(t, err)
	if diff := cmp.Diff(FeedbackCursor{Destination: "crm"}, got); diff != "" {
		t.Error(diff)
	}
	want := FeedbackCursor{Destination: "crm", Next: `{"t":"“1”"}`, ObservedAt: c.Now(), PulledAt: c.Now().Add(time.Second)}
	event := FeedbackEvent{Destination: "crm", ID: "e1", Key: "k", RemoteID: "r", Kind: "won", At: c.Now(), Detail: "Closed Won", ReceivedAt: c.Now()}
	must(t, a.SaveFeedback(t.Context(), FeedbackChange{Cursor: want, Keep: []FeedbackEvent{event}}))
	got, err = b.FeedbackCursor(t.Context(), "crm")
	must(t, err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	events, err := b.FeedbackEvents(t.Context(), "crm", "", 10)
	must(t, err)
	if diff := cmp.Diff([]FeedbackEvent{event}, events); diff != "" {
		t.Error(diff)
	}
	want.Next = "2"
	must(t, b.SaveFeedback(t.Context(), FeedbackChange{Cursor: want, Done: []string{"e1"}}))
	n, err := a.CountFeedbackEvents(t.Context(), "crm")
	must(t, err)
	all, err := a.FeedbackCursors(t.Context())
	must(t, err)
	if diff := cmp.Diff([]FeedbackCursor{want}, all); diff != "" || n != 0 {
		t.Errorf("%d events wait; %s", n, diff)
	}
	bad := event
	bad.ID, bad.Kind = "e2", "liked"
	if err := a.SaveFeedback(t.Context(), FeedbackChange{Cursor: FeedbackCursor{Destination: "crm", Next: "3"}, Keep: []FeedbackEvent{bad}}); err == nil {
		t.Error("an event of an unknown kind is kept")
	}
	if got, err := a.FeedbackCursor(t.Context(), "crm"); err != nil || got.Next != "2" {
		t.Errorf("%+v, %v: the cursor has moved without its events", got, err)
	}
}

func feedbackOnce(t *testing.T, a, b *Store, c *clock) {
	event := FeedbackEvent{Destination: "crm", ID: "e1", Key: "k", Kind: "won", At: c.Now(), Detail: "first", ReceivedAt: c.Now()}
	must(t, a.AddFeedbackEvents(t.Context(), []FeedbackEvent{event}))
	again, other := event, event
	again.Detail, other.Destination = "second", "other"
	must(t, b.AddFeedbackEvents(t.Context(), []FeedbackEvent{again, other}))
	events, err := a.FeedbackEvents(t.Context(), "crm", "", 10)
	must(t, err)
	if diff := cmp.Diff([]FeedbackEvent{event}, events); diff != "" {
		t.Error(diff)
	}
	if rest, err := a.FeedbackEvents(t.Context(), "crm", "e1", 10); err != nil || len(rest) != 0 {
		t.Errorf("%+v, %v", rest, err)
	}
}

func feedbackDestinations(t *testing.T, a, b *Store, _ *clock) {
	for id, to := range map[string]string{"d1": "crm", "d2": "mail", "d3": "crm"} {
		must(t, a.CreateDelivery(t.Context(), Delivery{ID: id, Destination: to, State: DeliveryPlanning}))
	}
	got, err := b.DeliveredTo(t.Context())
	must(t, err)
	if diff := cmp.Diff([]string{"crm", "mail"}, got); diff != "" {
		t.Error(diff)
	}
}

func suppressionHolds(t *testing.T, a, b *Store, c *clock) {
	one := Suppression{Hash: "h1", Kind: "email", Reason: "asked", Source: "person", Actor: "ann", AddedAt: c.Now()}
	two := Suppression{Hash: "h2", Kind: "phone", Reason: "asked", Source: "person", Actor: "ann", AddedAt: c.Now()}
	later := one
	later.Reason = "asked again"
	must(t, a.Suppress(t.Context(), []Suppression{one, two, one}))
	must(t, b.Suppress(t.Context(), []Suppression{later})) // it holds already
	found, err := b.Suppressed(t.Context(), []string{"h1", "h3"})
	must(t, err)
	if diff := cmp.Diff([]Suppression{one}, found); diff != "" {
		t.Error(diff)
	}
	was, err := b.Unsuppress(t.Context(), "h1", "bob")
	if err != nil || !was {
		t.Errorf("%t, %v", was, err)
	}
	if again, err := a.Unsuppress(t.Context(), "h1", "bob"); err != nil || again {
		t.Errorf("%t, %v", again, err)
	}
	if found, err := a.Suppressed(t.Context(), []string{"h1"}); err != nil || len(found) != 0 {
		t.Errorf("%+v, %v", found, err)
	}
	in, err := a.Suppressions(t.Context(), false, 10)
	must(t, err)
	all, err := a.Suppressions(t.Context(), true, 10)
	must(t, err)
	n, err := a.CountSuppressions(t.Context())
	must(t, err)
	one.RemovedBy, one.RemovedAt = "bob", c.Now()
	if diff := cmp.Diff([]Suppression{one, two}, all); diff != "" || len(in) != 1 || n != 1 {
		t.Errorf("%d of %d in force; %s", len(in), n, diff)
	}
}

func suppressionReturns(t *testing.T, a, b *Store, c *clock) {
	one := Suppression{Hash: "h1", Kind: "email", Reason: "opted out", Source: "crm", Actor: "feedback", AddedAt: c.Now()}
	must(t, a.Suppress(t.Context(), []Suppression{one}))
	c.Advance(time.Hour)
	_, err := a.Unsuppress(t.Context(), "h1", "ann")
	must(t, err)
	must(t, b.Suppress(t.Context(), []Suppression{one})) // the same event, pulled again
	if found, err := b.Suppressed(t.Context(), []string{"h1"}); err != nil || len(found) != 0 {
		t.Errorf("%+v, %v", found, err)
	}
	c.Advance(time.Hour)
	one.AddedAt = c.Now()
	must(t, b.Suppress(t.Context(), []Suppression{one}))
	found, err := a.Suppressed(t.Context(), []string{"h1"})
	must(t, err)
	if diff := cmp.Diff([]Suppression{one}, found); diff != "" {
		t.Error(diff)
	}
}

func suppressionKey(t *testing.T, a, b *Store, _ *clock) {
	if has, err := a.HasSuppressionKey(t.Context()); err != nil || has {
		t.Errorf("%t, %v", has, err)
	}
	must(t, a.ClaimSuppressionKey(t.Context(), "check"))
	must(t, b.ClaimSuppressionKey(t.Context(), "check"))
	wantCode(t, b.ClaimSuppressionKey(t.Context(), "another"), leadlake.Conflict)
	if has, err := b.HasSuppressionKey(t.Context()); err != nil || !has {
		t.Errorf("%t, %v", has, err)
	}
}
