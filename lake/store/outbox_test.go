package store

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/internal/testservers"
)

// outboxCases run with two handles, which stand for two processes.
var outboxCases = map[string]func(t *testing.T, a, b *Store, c *clock){
	"a delivery comes back as it was":              outboxDelivery,
	"rows come back as they were planned":          outboxRows,
	"a batch has one holder":                       outboxClaim,
	"an expired batch is taken and fences":         outboxFenced,
	"a dead holder's batch is freed and fences":    outboxFreed,
	"a change is written whole or not at all":      outboxWhole,
	"what a destination holds is versioned":        outboxDelivered,
	"a dead letter is edited once and audited":     outboxEdit,
	"a later acceptance makes a dead letter good":  outboxGood,
	"what was accepted since a time is sent again": outboxReplay,
	"two workers never hold one batch":             outboxRace,
}

func TestOutboxOnSQLite(t *testing.T) {
	t.Parallel()
	outboxSuite(t, func(t *testing.T) string { return filepath.Join(t.TempDir(), "control.sqlite") })
}

func TestOutboxOnPostgres(t *testing.T) {
	t.Parallel()
	server := testservers.StartPostgres(t)
	outboxSuite(t, func(t *testing.T) string { return server.Database(t) })
}

func outboxSuite(t *testing.T, dsn func(*testing.T) string) {
	for name, test := range outboxCases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := bundle{clock: newClock(), dsn: dsn(t)}
			test(t, x.reopen(t), x.reopen(t), x.clock)
		})
	}
}

// outboxPlan makes a delivery of n planned rows in batches of size.
func outboxPlan(t *testing.T, s *Store, n, size int) []DeliveryRow {
	t.Helper()
	must(t, s.CreateDelivery(t.Context(), Delivery{ID: "d1", Destination: "crm", State: DeliveryPlanning}))
	var rows []DeliveryRow
	var batches []BatchPlan
	for i := 1; i <= n; i++ {
		rows = append(rows, DeliveryRow{
			DeliveryID: "d1", Destination: "crm", Position: int64(i), Key: fmt.Sprintf("k%d", i), LeadID: fmt.Sprintf("l%d", i),
			Op: "create", Payload: fmt.Sprintf(`{"Name":"Firm “%d”"}`, i), State: "planned",
		})
		if i%size == 1 || size == 1 {
			batches = append(batches, BatchPlan{Batch: int64(len(batches) + 1), First: int64(i)})
		}
		last := &batches[len(batches)-1]
		last.Last, last.Open = int64(i), last.Open+1
	}
	must(t, s.PlanRows(t.Context(), "d1", rows, batches))
	return rows
}

func outboxDelivery(t *testing.T, a, b *Store, c *clock) {
	want := Delivery{
		ID: "d1", Destination: "crm", Kind: "salesforce", Scope: "plumbers", RunID: "r1", Mode: "sync", Undoes: "d0", Mapping: "{}",
		State: DeliveryPlanning, StartedAt: c.Now(), UpdatedAt: c.Now(),
	}
	must(t, a.CreateDelivery(t.Context(), want))
	wantCode(t, a.CreateDelivery(t.Context(), want), leadlake.Conflict)
	got, err := b.Delivery(t.Context(), "d1")
	must(t, err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	open, err := b.OpenDeliveries(t.Context(), "crm")
	must(t, err)
	if len(open) != 1 {
		t.Errorf("%d deliveries are open, want 1", len(open))
	}
	want.State, want.IsBulk, want.Given, want.Unchanged, want.Error, want.EndedAt = DeliveryDone, true, 5_000_000_000, 3, "none", c.Now()
	must(t, b.UpdateDelivery(t.Context(), want))
	all, err := a.Deliveries(t.Context(), "", 10)
	must(t, err)
	if diff := cmp.Diff([]Delivery{want}, all); diff != "" {
		t.Error(diff)
	}
	_, err = a.Delivery(t.Context(), "d2")
	wantCode(t, err, leadlake.NotFound)
}

func outboxRows(t *testing.T, a, b *Store, c *clock) {
	want := outboxPlan(t, a, 1234, 100)
	got, err := b.RowsOfDelivery(t.Context(), "d1", 1, 5000)
	must(t, err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
	claim, ok, err := b.ClaimBatch(t.Context(), "d1", "me", time.Minute)
	must(t, err)
	if !ok || claim.First != 1 || claim.Last != 100 || claim.Token != 1 {
		t.Fatalf("claim is %+v, %v", claim, ok)
	}
	batch, err := b.RowsOfDelivery(t.Context(), "d1", claim.First, claim.Last)
	must(t, err)
	for i := range batch {
		r := &batch[i]
		r.Op, r.Payload, r.Previous, r.RemoteID, r.State, r.Attempts = "update", `{"a":1}`, `{"a":0}`, "00Q", "accepted", 2
		r.NotBefore, r.Code, r.Reason, r.Fix, r.IdempotencyKey = c.Now(), "c", "r", "f", "i"
		r.SentAt, r.EndedAt = c.Now(), c.Now()
	}
	must(t, b.SaveRows(t.Context(), claim, BatchChange{Rows: batch, Closed: 100, Release: true}))
	got, err = a.RowsOfDelivery(t.Context(), "d1", 1, 101)
	must(t, err)
	if diff := cmp.Diff(append(batch, want[100]), got); diff != "" {
		t.Error(diff)
	}
	counts, err := a.CountDelivery(t.Context(), "d1")
	must(t, err)
	if diff := cmp.Diff([]DeliveryCount{{"accepted", "update", 100}, {"planned", "create", 1134}}, counts); diff != "" {
		t.Error(diff)
	}
	must(t, a.ForgetPlan(t.Context(), "d1"))
	if got, err = a.RowsOfDelivery(t.Context(), "d1", 1, 5000); err != nil || len(got) > 0 {
		t.Errorf("%d rows are left of a forgotten plan, %v", len(got), err)
	}
}

func outboxClaim(t *testing.T, a, b *Store, c *clock) {
	outboxPlan(t, a, 2, 1)
	first, ok, err := a.ClaimBatch(t.Context(), "d1", "a", time.Minute)
	must(t, err)
	second, ok2, err := b.ClaimBatch(t.Context(), "d1", "b", time.Hour)
	must(t, err)
	if !ok || !ok2 || first.Batch == second.Batch {
		t.Fatalf("claims are %+v and %+v", first, second)
	}
	if _, ok, err = a.ClaimBatch(t.Context(), "d1", "a", time.Minute); ok || err != nil {
		t.Fatalf("a third of two batches was claimed, %v", err)
	}
	open, due, err := a.NextBatch(t.Context(), "d1")
	must(t, err)
	if open != 2 || !due.Equal(first.ExpiresAt) {
		t.Errorf("%d batches are open and due at %s; want 2 and %s", open, due, first.ExpiresAt)
	}
	rows, err := a.RowsOfDelivery(t.Context(), "d1", first.First, first.Last)
	must(t, err)
	must(t, a.SaveRows(t.Context(), first, BatchChange{Rows: rows, NotBefore: c.Now().Add(time.Second), Release: true}))
	if _, ok, err = b.ClaimBatch(t.Context(), "d1", "b", time.Minute); ok || err != nil {
		t.Fatalf("a batch was claimed before its time, %v", err)
	}
	c.Advance(time.Second)
	if again, ok, err := b.ClaimBatch(t.Context(), "d1", "b", time.Minute); !ok || err != nil || again.Token != 2 {
		t.Fatalf("a batch that is due: %+v, %v, %v", again, ok, err)
	}
}

func outboxFenced(t *testing.T, a, b *Store, c *clock) {
	rows := outboxPlan(t, a, 1, 1)
	old, _, err := a.ClaimBatch(t.Context(), "d1", "a", time.Minute)
	must(t, err)
	c.Advance(time.Minute)
	old, err = a.RenewBatch(t.Context(), old, time.Minute) // late, but nobody took it
	must(t, err)
	c.Advance(time.Minute)
	fresh, ok, err := b.ClaimBatch(t.Context(), "d1", "b", time.Minute)
	must(t, err)
	if !ok || fresh.Token != old.Token+1 {
		t.Fatalf("claim is %+v after %+v", fresh, old)
	}
	rows[0].State = "accepted"
	wantCode(t, a.SaveRows(t.Context(), old, BatchChange{Rows: rows, Closed: 1}), leadlake.Conflict)
	wantCode(t, a.NoteBatch(t.Context(), old, "job"), leadlake.Conflict)
	_, err = a.RenewBatch(t.Context(), old, time.Minute)
	wantCode(t, err, leadlake.Conflict)
	must(t, a.ReleaseBatch(t.Context(), old))
	got, err := a.RowsOfDelivery(t.Context(), "d1", 1, 1)
	must(t, err)
	if got[0].State != "planned" {
		t.Errorf("a worker without the batch wrote %s", got[0].State)
	}
	must(t, b.NoteBatch(t.Context(), fresh, "job 1"))
	must(t, b.SaveRows(t.Context(), fresh, BatchChange{Rows: rows, Closed: 1, Release: true}))
	open, _, err := b.NextBatch(t.Context(), "d1")
	must(t, err)
	if open != 0 {
		t.Errorf("%d batches are open", open)
	}
	wantCode(t, b.SaveRows(t.Context(), fresh, BatchChange{Rows: rows}), leadlake.Conflict) // it gave it back
}

func outboxWhole(t *testing.T, a, _ *Store, _ *clock) {
	rows := outboxPlan(t, a, 300, 300)
	claim, _, err := a.ClaimBatch(t.Context(), "d1", "a", time.Minute)
	must(t, err)
	for i := range rows {
		rows[i].State = "accepted"
	}
	rows[299].State = "sold" // no such state
	if err := a.SaveRows(t.Context(), claim, BatchChange{Rows: rows, Closed: 300}); err == nil {
		t.Fatal("an unknown state was written")
	}
	counts, err := a.CountDelivery(t.Context(), "d1")
	must(t, err)
	if diff := cmp.Diff([]DeliveryCount{{"planned", "create", 300}}, counts); diff != "" {
		t.Error(diff)
	}
}

func outboxDelivered(t *testing.T, a, b *Store, c *clock) {
	rows := outboxPlan(t, a, 200, 200)
	claim, _, err := a.ClaimBatch(t.Context(), "d1", "a", time.Minute)
	must(t, err)
	var all []Delivered
	var keys []string
	for i, r := range rows {
		rows[i].State = "accepted"
		keys = append(keys, r.Key)
		all = append(all, Delivered{
			Destination: "crm", Key: r.Key, Scope: "s", LeadID: r.LeadID, RemoteID: "id" + r.Key, Payload: r.Payload, PayloadHash: "h", Meta: "{}",
			IsOurs: true, DeliveryID: "d1", AcceptedAt: c.Now(),
		})
	}
	must(t, a.SaveRows(t.Context(), claim, BatchChange{Rows: rows, Closed: 200, Delivered: all}))
	must(t, a.SaveRows(t.Context(), claim, BatchChange{Rows: rows[:1], Delivered: all[:1], Forgotten: []string{"k7"}}))
	got, err := b.DeliveredOf(t.Context(), "crm", append(keys, "k999"))
	must(t, err)
	if len(got) != 199 || got["k1"].Version != 2 || got["k2"].Version != 1 {
		t.Errorf("%d records, versions %d and %d; want 199, 2 and 1", len(got), got["k1"].Version, got["k2"].Version)
	}
	all[1].Version = 1
	if diff := cmp.Diff(all[1], got["k2"]); diff != "" {
		t.Error(diff)
	}
	page, err := b.DeliveredOfScope(t.Context(), "crm", "s", "k98", 5)
	must(t, err)
	if len(page) != 1 || page[0].Key != "k99" {
		t.Errorf("the page after k98 is %+v", page)
	}
	found, ok, err := b.DeliveredByRemoteID(t.Context(), "crm", "idk3")
	if err != nil || !ok || found.Key != "k3" {
		t.Errorf("record idk3 is %+v, %v, %v", found, ok, err)
	}
	if _, ok, err = b.DeliveredByRemoteID(t.Context(), "crm", "none"); ok || err != nil {
		t.Errorf("there is a record none, %v", err)
	}
}

// outboxFail lets the rows of a plan fail.
func outboxFail(t *testing.T, s *Store, c *clock) []DeliveryRow {
	rows := outboxPlan(t, s, 2, 2)
	claim, _, err := s.ClaimBatch(t.Context(), "d1", "a", time.Minute)
	must(t, err)
	for i := range rows {
		rows[i].State, rows[i].Code, rows[i].EndedAt = "rejected", "too_long", c.Now()
	}
	must(t, s.SaveRows(t.Context(), claim, BatchChange{Rows: rows, Closed: 2, Release: true}))
	return rows
}

func outboxEdit(t *testing.T, a, b *Store, c *clock) {
	rows := outboxFail(t, a, c)
	letters, err := b.DeadLetters(t.Context(), "crm", "", 10)
	must(t, err)
	if diff := cmp.Diff(rows, letters); diff != "" {
		t.Fatal(diff)
	}
	row := rows[1]
	row.State, row.Payload, row.IdempotencyKey = "planned", `{"Name":"Short"}`, "i2"
	edit := DeliveryEdit{Actor: "ada", Action: "edit", Before: rows[1].Payload, After: row.Payload, At: c.Now()}
	must(t, b.EditRow(t.Context(), row, edit))
	err = a.EditRow(t.Context(), row, edit)
	wantCode(t, err, leadlake.Conflict)
	if !strings.Contains(err.Error(), "dlq show d1 2") {
		t.Errorf("the error %q does not say what to do", err)
	}
	edits, err := a.EditsOfRow(t.Context(), "d1", 2)
	must(t, err)
	if diff := cmp.Diff([]DeliveryEdit{edit}, edits); diff != "" {
		t.Error(diff)
	}
	claim, ok, err := a.ClaimBatch(t.Context(), "d1", "a", time.Minute)
	must(t, err)
	if !ok {
		t.Fatal("the batch of an edited row is not due")
	}
	got, err := a.RowsOfDelivery(t.Context(), "d1", claim.First, claim.Last)
	must(t, err)
	if got[0].State != "rejected" || got[1].State != "planned" || got[1].Payload != row.Payload || !got[1].EndedAt.IsZero() {
		t.Errorf("rows are %+v", got)
	}
}

func outboxGood(t *testing.T, a, b *Store, c *clock) {
	rows := outboxFail(t, a, c)
	c.Advance(time.Hour)
	must(t, a.CreateDelivery(t.Context(), Delivery{ID: "d2", Destination: "crm", State: DeliverySending}))
	later := rows[0]
	later.DeliveryID, later.State = "d2", "planned"
	must(t, a.PlanRows(t.Context(), "d2", []DeliveryRow{later}, []BatchPlan{{1, 1, 1, 1}}))
	claim, _, err := a.ClaimBatch(t.Context(), "d2", "a", time.Minute)
	must(t, err)
	later.State = "accepted"
	must(t, a.SaveRows(t.Context(), claim, BatchChange{
		Rows: []DeliveryRow{later}, Closed: 1,
		Delivered: []Delivered{{Destination: "crm", Key: later.Key, AcceptedAt: c.Now()}},
	}))
	letters, err := b.DeadLetters(t.Context(), "", "d1", 10)
	must(t, err)
	if len(letters) != 1 || letters[0].Key != rows[1].Key {
		t.Errorf("dead letters are %+v, want that of %s alone", letters, rows[1].Key)
	}
}

// outboxRace has two processes go for the same batches at the same moments.
func outboxRace(t *testing.T, a, b *Store, _ *clock) {
	const batches = 500
	rows := outboxPlan(t, a, batches, 1)
	var mu sync.Mutex
	holders := map[int64]int{}
	var wg sync.WaitGroup
	for i, s := range []*Store{a, b} {
		wg.Go(func() {
			for {
				claim, ok, err := s.ClaimBatch(t.Context(), "d1", fmt.Sprint(i), time.Hour)
				if err != nil || !ok {
					if err != nil {
						t.Error(err)
					}
					return
				}
				mu.Lock()
				holders[claim.Batch]++
				mu.Unlock()
				row := rows[claim.First-1]
				row.State = "accepted"
				if err := s.SaveRows(t.Context(), claim, BatchChange{Rows: []DeliveryRow{row}, Closed: 1, Release: true}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for batch, n := range holders {
		if n != 1 {
			t.Errorf("batch %d had %d holders", batch, n)
		}
	}
	if len(holders) != batches {
		t.Errorf("%d of %d batches were claimed", len(holders), batches)
	}
}

func outboxReplay(t *testing.T, a, b *Store, c *clock) {
	rows := outboxPlan(t, a, 6, 3)
	for range 2 {
		claim, _, err := a.ClaimBatch(t.Context(), "d1", "a", time.Minute)
		must(t, err)
		c.Advance(time.Minute)
		change := BatchChange{Closed: 3, Release: true}
		for _, r := range rows[claim.First-1 : claim.Last] {
			r.State, r.Attempts, r.EndedAt = "accepted", 1, c.Now()
			change.Rows = append(change.Rows, r)
			change.Delivered = append(change.Delivered, Delivered{Destination: "crm", Key: r.Key, AcceptedAt: c.Now()})
		}
		must(t, a.SaveRows(t.Context(), claim, change))
	}
	keys, err := a.OpenKeys(t.Context(), "crm")
	must(t, err)
	must(t, a.UpdateDelivery(t.Context(), Delivery{ID: "d1", State: DeliveryDone}))
	last, err := b.LastAccepted(t.Context(), "crm")
	must(t, err)
	if len(keys) != 0 || !last.Equal(c.Now()) {
		t.Errorf("%d keys are open, and the last was accepted at %s", len(keys), last)
	}
	n, err := b.ReplaySince(t.Context(), "crm", c.Now().Add(-time.Second))
	must(t, err)
	if keys, err = b.OpenKeys(t.Context(), "crm"); err != nil || n != 3 || len(keys) != 3 || keys[0] != "k4" {
		t.Errorf("%d rows are replayed, open are %v, %v", n, keys, err)
	}
	open, due, err := b.NextBatch(t.Context(), "d1")
	if err != nil || open != 1 || !due.IsZero() {
		t.Errorf("%d batches are open, due at %s, %v", open, due, err)
	}
}
