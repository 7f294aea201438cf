package delivertest

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/leadlake/leadlake/lake"
	"github.com/leadlake/leadlake/lake/store"
	"github.com/leadlake/leadlake/serve/deliver"
)

// mortal is a process that dies at its nth call to the outside: before the
// call is made, or after it was made and before its answer is seen. From then
// on nothing reaches the outside.
type mortal struct {
	dieAt int64
	after bool // the call is made
	count atomic.Int64
}

// step says what becomes of a call: it is made, and its answer is seen.
func (m *mortal) step() (made, seen bool) {
	n := m.count.Add(1)
	switch {
	case m.dieAt == 0 || n < m.dieAt:
		return true, true
	case n == m.dieAt:
		return m.after, false
	}
	return false, false
}

func (m *mortal) died() bool { return m.dieAt > 0 && m.count.Load() >= m.dieAt }

func (m *mortal) doer(next deliver.Doer) deliver.Doer {
	return doerFunc(func(r *http.Request) (*http.Response, error) {
		made, seen := m.step()
		if !made {
			return nil, errDied
		}
		resp, err := next.Do(r)
		if !seen {
			if err == nil {
				resp.Body.Close()
			}
			return nil, errDied
		}
		return resp, err
	})
}

func (m *mortal) bucket(b *lake.Bucket) *lake.Bucket {
	return lake.Faulty(b, func(int64, string, string) lake.Fault {
		switch made, seen := m.step(); {
		case !made:
			return lake.Fault{Err: errDied}
		case !seen:
			return lake.Fault{Lost: errDied}
		}
		return lake.Fault{}
	})
}

// do makes a call that only returns an error.
func (m *mortal) do(call func() error) error {
	made, seen := m.step()
	if !made {
		return errDied
	}
	err := call()
	if !seen {
		return errDied
	}
	return err
}

// get makes a call that returns something.
func get[T any](m *mortal, call func() (T, error)) (got T, err error) {
	err = m.do(func() error {
		var err error
		got, err = call()
		return err
	})
	return got, err
}

// mortalLedger is a store as a mortal process sees it.
type mortalLedger struct {
	*store.Store
	m *mortal
}

var _ deliver.Ledger = (*mortalLedger)(nil)

func (l *mortalLedger) CreateDelivery(ctx context.Context, d store.Delivery) error {
	return l.m.do(func() error { return l.Store.CreateDelivery(ctx, d) })
}

func (l *mortalLedger) UpdateDelivery(ctx context.Context, d store.Delivery) error {
	return l.m.do(func() error { return l.Store.UpdateDelivery(ctx, d) })
}

func (l *mortalLedger) Delivery(ctx context.Context, id string) (store.Delivery, error) {
	return get(l.m, func() (store.Delivery, error) { return l.Store.Delivery(ctx, id) })
}

func (l *mortalLedger) Deliveries(ctx context.Context, destination string, limit int) ([]store.Delivery, error) {
	return get(l.m, func() ([]store.Delivery, error) { return l.Store.Deliveries(ctx, destination, limit) })
}

func (l *mortalLedger) CountDelivery(ctx context.Context, id string) ([]store.DeliveryCount, error) {
	return get(l.m, func() ([]store.DeliveryCount, error) { return l.Store.CountDelivery(ctx, id) })
}

func (l *mortalLedger) LastAccepted(ctx context.Context, destination string) (time.Time, error) {
	return get(l.m, func() (time.Time, error) { return l.Store.LastAccepted(ctx, destination) })
}

func (l *mortalLedger) OpenDeliveries(ctx context.Context, destination string) ([]store.Delivery, error) {
	return get(l.m, func() ([]store.Delivery, error) { return l.Store.OpenDeliveries(ctx, destination) })
}

func (l *mortalLedger) PlanRows(ctx context.Context, id string, rows []store.DeliveryRow, batches []store.BatchPlan) error {
	return l.m.do(func() error { return l.Store.PlanRows(ctx, id, rows, batches) })
}

func (l *mortalLedger) ForgetPlan(ctx context.Context, id string) error {
	return l.m.do(func() error { return l.Store.ForgetPlan(ctx, id) })
}

func (l *mortalLedger) OpenKeys(ctx context.Context, destination string) ([]string, error) {
	return get(l.m, func() ([]string, error) { return l.Store.OpenKeys(ctx, destination) })
}

func (l *mortalLedger) ClaimBatch(ctx context.Context, id, holder string, ttl time.Duration) (claim store.BatchClaim, ok bool, err error) {
	err = l.m.do(func() error {
		var err error
		claim, ok, err = l.Store.ClaimBatch(ctx, id, holder, ttl)
		return err
	})
	return claim, ok && err == nil, err
}

func (l *mortalLedger) RenewBatch(ctx context.Context, c store.BatchClaim, ttl time.Duration) (store.BatchClaim, error) {
	return get(l.m, func() (store.BatchClaim, error) { return l.Store.RenewBatch(ctx, c, ttl) })
}

func (l *mortalLedger) NoteBatch(ctx context.Context, c store.BatchClaim, note string) error {
	return l.m.do(func() error { return l.Store.NoteBatch(ctx, c, note) })
}

func (l *mortalLedger) SaveRows(ctx context.Context, c store.BatchClaim, change store.BatchChange) error {
	return l.m.do(func() error { return l.Store.SaveRows(ctx, c, change) })
}

func (l *mortalLedger) ReleaseBatch(ctx context.Context, c store.BatchClaim) error {
	return l.m.do(func() error { return l.Store.ReleaseBatch(ctx, c) })
}

func (l *mortalLedger) NextBatch(ctx context.Context, id string) (open int64, due time.Time, err error) {
	err = l.m.do(func() error {
		var err error
		open, due, err = l.Store.NextBatch(ctx, id)
		return err
	})
	return open, due, err
}

func (l *mortalLedger) RowsOfDelivery(ctx context.Context, id string, first, last int64) ([]store.DeliveryRow, error) {
	return get(l.m, func() ([]store.DeliveryRow, error) { return l.Store.RowsOfDelivery(ctx, id, first, last) })
}

func (l *mortalLedger) DeliveredOf(ctx context.Context, destination string, keys []string) (map[string]store.Delivered, error) {
	return get(l.m, func() (map[string]store.Delivered, error) { return l.Store.DeliveredOf(ctx, destination, keys) })
}

func (l *mortalLedger) DeliveredOfScope(ctx context.Context, destination, scope, after string, limit int) ([]store.Delivered, error) {
	return get(l.m, func() ([]store.Delivered, error) {
		return l.Store.DeliveredOfScope(ctx, destination, scope, after, limit)
	})
}

func (l *mortalLedger) Acquire(ctx context.Context, name, holder string, ttl time.Duration) (store.Lease, error) {
	return get(l.m, func() (store.Lease, error) { return l.Store.Acquire(ctx, name, holder, ttl) })
}

func (l *mortalLedger) Renew(ctx context.Context, lease store.Lease, ttl time.Duration) (store.Lease, error) {
	return get(l.m, func() (store.Lease, error) { return l.Store.Renew(ctx, lease, ttl) })
}

func (l *mortalLedger) Release(ctx context.Context, lease store.Lease) error {
	return l.m.do(func() error { return l.Store.Release(ctx, lease) })
}
