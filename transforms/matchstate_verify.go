package transforms

import (
	"context"
	"errors"
	"fmt"

	"github.com/leadlake/leadlake/lake"
)

// Compared says whether a table of a state holds what resolving all records by
// the same frozen model gives.
type Compared struct {
	Table   string `json:"table"`
	State   int64  `json:"rows"`
	Rebuilt int64  `json:"rows_rebuilt"`
	IsSame  bool   `json:"is_same"`
}

// Verify resolves all records of a file by the state's frozen model and
// compares everything that comes of it with the state. It costs a full
// resolution and changes nothing.
func (m MatchState) Verify(ctx context.Context, s *lake.Session, records string, progress func(Event)) (_ []Compared, err error) {
	detach, err := m.attach(ctx, s)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, detach()) }()
	p := stateRun{MatchState: m, session: s, progress: progress}
	if err := p.rebuild(ctx, records); err != nil {
		return nil, fmt.Errorf("verify match state: %w", err)
	}
	if err := incrementalScript(ctx, s, "verify"); err != nil {
		return nil, err
	}
	rows, err := s.Query(ctx, "select what, state_lines, rebuilt_lines, is_same from scratch.incremental.verified order by what")
	if err != nil {
		return nil, fmt.Errorf("verify match state: %w", err)
	}
	defer rows.Close()
	var out []Compared
	for rows.Next() {
		var c Compared
		if err := rows.Scan(&c.Table, &c.State, &c.Rebuilt, &c.IsSame); err != nil {
			return nil, fmt.Errorf("verify match state: %w", err)
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

// rebuild resolves all records by the attached state's frozen model, into
// scratch alone.
func (p stateRun) rebuild(ctx context.Context, records string) error {
	if err := clearAll(ctx, p.session); err != nil {
		return err
	}
	err := p.build(ctx, substituted(Externals(p.Links...), append(frozenTables(), recordsKept(records))...), matchTables)
	if err != nil {
		return err
	}
	if err := hashRecords(ctx, p.session); err != nil {
		return err
	}
	return connectComponents(ctx, p.session)
}
