package ingest

import (
	"errors"

	"github.com/leadlake/leadlake"
)

// Preflight says why a campaign would fail before it has spent anything: a key
// that is not set, a budget that does not buy a single call.
func (e *Engine) Preflight(c leadlake.CampaignSpec) error {
	e = e.withDefaults()
	plans, err := e.Plan(c)
	if err != nil {
		return err
	}
	enrichers, err := e.enrichers(c)
	if err != nil {
		return err
	}
	var problems []error
	budget := newBudget(c.Budget, nil)
	for _, p := range plans {
		problems = append(problems, e.ready(p.Source.Spec()))
		if req, err := p.Source.Request(p.Queries[0], ""); err == nil {
			problems = append(problems, budget.reserve(p.Provider, req.CostMicros))
			budget.settle(p.Provider, -req.CostMicros)
		}
	}
	for _, s := range enrichers {
		problems = append(problems, e.ready(s.Spec()))
	}
	return first(problems)
}

// first is the first problem; where there are more it says so.
func first(problems []error) error {
	var found error
	more := 0
	for _, p := range problems {
		var over budgetError
		switch {
		case p == nil:
		case found != nil:
			more++
		case errors.As(p, &over):
			found = over.err
		default:
			found = p
		}
	}
	var known *leadlake.Error
	if more > 0 && errors.As(found, &known) {
		return leadlake.Errorf(known.Code, "%s (and %d more problems)", known.Message, more).WithFix("%s", known.Fix)
	}
	return found
}

func (e *Engine) ready(spec Spec) error {
	_, err := e.credential(spec)
	return err
}
