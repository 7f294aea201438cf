package store

import (
	"context"
	"database/sql"
	"errors"
	"sync"
)

// group lets writers that wait for one another share a commit. A commit is on
// the disk before any of its writers goes on, so that nothing is promised that
// a power cut could take back; but the disk is asked once for all of them.
type group struct {
	turn sync.Mutex // held by the writer that commits

	mu      sync.Mutex
	waiting []*write
}

// write is what one writer wants to be committed. It may run twice.
type write struct {
	ctx  context.Context
	do   func(context.Context, *sql.Tx) error
	done bool
	err  error
}

// write runs do in a transaction and commits it, with what others wrote
// meanwhile.
func (s *Store) write(ctx context.Context, do func(context.Context, *sql.Tx) error) error {
	w := &write{ctx: ctx, do: do}
	g := &s.group
	g.mu.Lock()
	g.waiting = append(g.waiting, w)
	g.mu.Unlock()
	g.turn.Lock()
	defer g.turn.Unlock()
	if w.done { // an earlier turn has taken it along
		return w.err
	}
	g.mu.Lock()
	all := g.waiting
	g.waiting = nil
	g.mu.Unlock()
	s.commit(all)
	return w.err
}

// commit ends all the writes, together where none of them fails.
func (s *Store) commit(all []*write) {
	var live []*write
	for _, w := range all {
		if w.done, w.err = true, w.ctx.Err(); w.err == nil {
			live = append(live, w)
		}
	}
	err := s.transaction(live)
	if len(live) == 1 {
		live[0].err = err
		return
	}
	for i := range live {
		if err != nil { // one of them is to blame, which the others shall not feel
			live[i].err = s.transaction(live[i : i+1])
		}
	}
}

// transaction does not end with one writer's context, which is not the others'.
func (s *Store) transaction(writes []*write) (err error) {
	if len(writes) == 0 {
		return nil
	}
	ctx := context.WithoutCancel(writes[0].ctx)
	if len(writes) == 1 {
		ctx = writes[0].ctx
	}
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	for _, w := range writes {
		if err := w.do(ctx, tx); err != nil {
			return errors.Join(err, tx.Rollback())
		}
	}
	return tx.Commit()
}
