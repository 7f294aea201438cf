package deliver

import (
	"context"
	"fmt"
)

// Describe logs in to a destination and asks it for its fields: what a mapping
// is held to. One that has none to tell gives an empty Schema.
func (e *Engine) Describe(ctx context.Context, to Destination) (Schema, error) {
	e = e.withDefaults()
	s := e.newSession(ctx, to, e.gate)
	if _, _, err := s.access(); err != nil {
		return Schema{}, err
	}
	schema, err := to.Describe(s)
	if err != nil {
		return schema, fmt.Errorf("describe %s: %w", to.Spec().Name, err)
	}
	return schema, nil
}
