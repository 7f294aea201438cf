package deliver_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
	"github.com/leadlake/leadlake/serve/deliver"
	"github.com/leadlake/leadlake/serve/deliver/delivertest"
)

func TestMirror_says_what_the_outbox_says_in_one_commit(t *testing.T) {
	t.Parallel()
	l, err := lake.Open(t.Context(), lake.Config{Home: t.TempDir(), Threads: 1, MemoryLimit: "500MB"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s, err := l.Session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	clock := delivertest.NewClock()
	control := openStore(t, filepath.Join(t.TempDir(), "control.sqlite"), clock)
	leads := delivertest.Leads(25, func(n int, l *leadlake.CanonicalLead) {
		if n == 3 {
			l.Name = ""
		}
	})
	e := &deliver.Engine{Ledger: control, HTTP: newToyServer(), Now: clock.Now, BatchRows: 10}
	sum, err := e.Deliver(t.Context(), deliver.Order{
		Destination: "it", To: toy{10}, Mapping: toyMapping, Mode: deliver.Sync, Scope: "c1", RunID: "r1", Leads: delivertest.Each(leads),
	})
	if err != nil {
		t.Fatal(err)
	}
	// what there is, and how many commits the lake has had
	state := func() string {
		t.Helper()
		const query = `select string_agg(format('{} {} {} {} {} {} {} batches {} sent {}', destination, kind, campaign_id, run_id, op, state, n, batches, sent), '; ' order by state)
			|| format('; snapshots {}', (select count(*) from ducklake_snapshots('lake')))
			from (select destination, kind, campaign_id, run_id, op, state, count(*) as n, count(distinct batch_id) as batches, count(sent_at) as sent
			from lake.marts.deliveries where delivery_id = $1 and (accepted_at is not null) = (state = 'accepted') group by all)`
		var got string
		if err := s.QueryRow(t.Context(), query, sum.DeliveryID).Scan(&got); err != nil {
			t.Fatal(err)
		}
		return got
	}
	var before int
	if err := s.QueryRow(t.Context(), "select count(*) from ducklake_snapshots('lake')").Scan(&before); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("it toy c1 r1 create accepted 24 batches 3 sent 24; it toy c1 r1 create rejected 1 batches 0 sent 0; snapshots %d", before+1)
	for range 2 {
		rows, err := deliver.Mirror(t.Context(), s, control, sum.DeliveryID)
		if err != nil || rows != 25 {
			t.Fatalf("%d rows, %v", rows, err)
		}
		if diff := cmp.Diff(want, state()); diff != "" {
			t.Error(diff)
		}
	}
	// Somebody gives the rejected row a name; the next pass sends it.
	letters, err := deliver.DeadLetters(t.Context(), control, "it", "", 10)
	if err != nil || len(letters) != 1 {
		t.Fatalf("%d dead letters, %v", len(letters), err)
	}
	if err := deliver.Replay(t.Context(), control, sum.DeliveryID, letters[0].Position, "ann", deliver.Payload{"name": deliver.Value("Found Ltd")}); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Resume(t.Context(), "it", toy{10}); err != nil {
		t.Fatal(err)
	}
	if _, err := deliver.Mirror(t.Context(), s, control, sum.DeliveryID); err != nil {
		t.Fatal(err)
	}
	want = fmt.Sprintf("it toy c1 r1 create accepted 25 batches 3 sent 25; snapshots %d", before+2)
	if diff := cmp.Diff(want, state()); diff != "" {
		t.Error(diff)
	}
	if _, err := deliver.Mirror(t.Context(), s, control, "none"); leadlake.ErrorCode(err) != leadlake.NotFound {
		t.Errorf("a delivery that is not there: %v", err)
	}
}
