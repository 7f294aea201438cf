package main

import (
	"context"
	"errors"
	"time"

	"github.com/leadlake/leadlake/lake"
	"github.com/leadlake/leadlake/lake/store"
)

// workspace is the lake of a command with its control state.
type workspace struct {
	lake  *lake.Lake
	store *store.Store
}

func (a *app) openWorkspace(ctx context.Context) (*workspace, error) {
	l, err := lake.Open(ctx, a.cfg.lakeConfig(false))
	if err != nil {
		return nil, a.explainNoSpace(err)
	}
	s, err := store.Open(ctx, a.cfg.storeAddress(), store.Options{Now: time.Now})
	if err != nil {
		return nil, errors.Join(a.explainNoSpace(err), l.Close())
	}
	return &workspace{lake: l, store: s}, nil
}

func (w *workspace) Close() error {
	return errors.Join(w.store.Close(), w.lake.Close())
}
