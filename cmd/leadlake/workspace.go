package main

import (
	"context"
	"errors"
	"time"

	"github.com/leadlake/leadlake"
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

// openExisting is openWorkspace for commands that only look at what is there:
// a mistyped home is an error and not a new workspace.
func (a *app) openExisting(ctx context.Context) (*workspace, error) {
	if !a.cfg.hasLake() {
		return nil, leadlake.Errorf(leadlake.NotFound, "there is no lake in %s yet", a.cfg.Home).
			WithFix("run a campaign first, or name the right workspace with --home")
	}
	return a.openWorkspace(ctx)
}

func (w *workspace) Close() error {
	return errors.Join(w.store.Close(), w.lake.Close())
}
