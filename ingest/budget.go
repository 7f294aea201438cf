package ingest

import (
	"sync"

	"github.com/leadlake/leadlake"
)

// budget is the money of a run, in micros. Calls side by side cannot overspend
// together, because each takes its price before it is made.
type budget struct {
	mu        sync.Mutex
	limit     int64            // 0 for none
	perSource map[string]int64 // limits; a source without one has the run's alone
	spent     int64
	bySource  map[string]int64
}

func newBudget(spec leadlake.BudgetSpec, spent map[string]int64) *budget {
	b := &budget{limit: micros(spec.MaxCostUSD), perSource: map[string]int64{}, bySource: map[string]int64{}}
	for source, usd := range spec.PerSourceUSD {
		b.perSource[source] = micros(usd)
	}
	for source, cost := range spent {
		b.spent += cost
		b.bySource[source] = cost
	}
	return b
}

// micros turns dollars into millionths, to the nearest: 0.29 is 290,000.
func micros(usd float64) int64 { return int64(usd*1e6 + 0.5) }

// budgetError is the error of a call that is not made because of the campaign's
// own limit. A provider's credits that are gone have the same code, but not
// this type.
type budgetError struct{ err *leadlake.Error }

func (e budgetError) Error() string { return e.err.Error() }
func (e budgetError) Unwrap() error { return e.err }

// reserve takes the price of a call that is about to be made.
func (b *budget) reserve(source string, cost int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if cost > 0 && b.limit > 0 && b.spent+cost > b.limit {
		return budgetError{leadlake.Errorf(leadlake.Budget, "source %s: the next call costs $%.4f, and $%.4f of the budget of $%.2f is spent",
			source, usd(cost), usd(b.spent), usd(b.limit)).WithFix("raise budget.max_cost_usd to get the rest")}
	}
	if limit, ok := b.perSource[source]; ok && cost > 0 && b.bySource[source]+cost > limit {
		return budgetError{leadlake.Errorf(leadlake.Budget, "source %s: the next call costs $%.4f, and $%.4f of its $%.2f is spent",
			source, usd(cost), usd(b.bySource[source]), usd(limit)).WithFix("raise budget.per_source_usd.%s to get the rest", source)}
	}
	b.spent += cost
	b.bySource[source] += cost
	return nil
}

// settle corrects what a call was thought to cost.
func (b *budget) settle(source string, delta int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.spent += delta
	b.bySource[source] += delta
}

func usd(micros int64) float64 { return float64(micros) / 1e6 }
