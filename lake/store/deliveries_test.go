package store

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake"
)

// outboxFreed has a process die over a batch: another that knows so need not
// wait for the claim to run out, and the dead one can do nothing any more.
func outboxFreed(t *testing.T, a, b *Store, _ *clock) {
	outboxPlan(t, a, 4, 2)
	batches, err := b.BatchesOfDelivery(t.Context(), "d1")
	must(t, err)
	if diff := cmp.Diff([]BatchPlan{{1, 1, 2, 2}, {2, 3, 4, 2}}, batches); diff != "" {
		t.Error(diff)
	}
	dead, ok, err := a.ClaimBatch(t.Context(), "d1", "dead", time.Hour)
	must(t, err)
	_, alive, err := a.ClaimBatch(t.Context(), "d1", "alive", time.Hour)
	must(t, err)
	if !ok || !alive {
		t.Fatal("no batch to claim")
	}
	holders, err := b.BatchHolders(t.Context(), "d1")
	must(t, err)
	if diff := cmp.Diff([]string{"alive", "dead"}, holders); diff != "" {
		t.Error(diff)
	}
	must(t, b.FreeBatches(t.Context(), "d1", "dead"))
	again, ok, err := b.ClaimBatch(t.Context(), "d1", "next", time.Hour)
	must(t, err)
	if !ok || again.Batch != dead.Batch {
		t.Errorf("batch %d, want the one that was freed, %d", again.Batch, dead.Batch)
	}
	wantCode(t, a.SaveRows(context.WithoutCancel(t.Context()), dead, BatchChange{}), leadlake.Conflict)
}
