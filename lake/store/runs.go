package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"github.com/leadlake/leadlake"
)

// CreateRun stores a new run. A run id that is taken is a Conflict. StartedAt
// is set where it is zero; UpdatedAt is always the store's.
func (s *Store) CreateRun(ctx context.Context, run leadlake.Run) error {
	spec, err := json.Marshal(run.Spec)
	if err != nil {
		return fmt.Errorf("create run %s: %w", run.RunID, err)
	}
	funnel, err := json.Marshal(run.Funnel)
	if err != nil {
		return fmt.Errorf("create run %s: %w", run.RunID, err)
	}
	now := s.now()
	if run.StartedAt.IsZero() {
		run.StartedAt = now
	}
	n, err := s.exec(ctx, "create_run", run.RunID, run.CampaignID, string(spec), string(run.State), string(run.DoneStep),
		run.Error, string(funnel), toMicros(run.StartedAt), toMicros(now))
	if err != nil {
		return fmt.Errorf("create run %s: %w", run.RunID, err)
	}
	if n == 0 {
		return leadlake.Errorf(leadlake.Conflict, "create run %s: it exists already", run.RunID)
	}
	return nil
}

// Run returns one run, or a NotFound.
func (s *Store) Run(ctx context.Context, id string) (leadlake.Run, error) {
	run, err := scanRun(s.queryRow(ctx, "run", id))
	if errors.Is(err, sql.ErrNoRows) {
		return run, leadlake.Errorf(leadlake.NotFound, "run %s does not exist", id)
	}
	if err != nil {
		return run, fmt.Errorf("read run %s: %w", id, err)
	}
	return run, nil
}

// Runs returns the runs of a campaign, or of all where campaignID is empty:
// newest first, at most limit, all where limit is 0.
func (s *Store) Runs(ctx context.Context, campaignID string, limit int) ([]leadlake.Run, error) {
	if limit <= 0 {
		limit = math.MaxInt32
	}
	var runs []leadlake.Run
	err := s.each(ctx, "runs", func(rows *sql.Rows) error {
		run, err := scanRun(rows)
		runs = append(runs, run)
		return err
	}, campaignID, limit)
	if err != nil {
		return nil, fmt.Errorf("list runs of %q: %w", campaignID, err)
	}
	return runs, nil
}

// UnfinishedRun returns the newest run of a campaign that is still running,
// and whether there is one.
func (s *Store) UnfinishedRun(ctx context.Context, campaignID string) (leadlake.Run, bool, error) {
	run, err := scanRun(s.queryRow(ctx, "unfinished_run", campaignID))
	if errors.Is(err, sql.ErrNoRows) {
		return leadlake.Run{}, false, nil
	}
	if err != nil {
		return leadlake.Run{}, false, fmt.Errorf("find unfinished run of %s: %w", campaignID, err)
	}
	return run, true, nil
}

// UpdateRun stores the state, step, error and funnel of a run. The campaign,
// its spec and the start stay as they were created. A run that failed or was
// published keeps its state: changing it is a Conflict.
func (s *Store) UpdateRun(ctx context.Context, run leadlake.Run) error {
	funnel, err := json.Marshal(run.Funnel)
	if err != nil {
		return fmt.Errorf("update run %s: %w", run.RunID, err)
	}
	n, err := s.exec(ctx, "update_run", run.RunID, string(run.State), string(run.DoneStep), run.Error, string(funnel), toMicros(s.now()))
	if err != nil {
		return fmt.Errorf("update run %s: %w", run.RunID, err)
	}
	if n == 1 {
		return nil
	}
	old, err := s.Run(ctx, run.RunID)
	if err != nil {
		return fmt.Errorf("update run: %w", err)
	}
	return leadlake.Errorf(leadlake.Conflict, "update run %s to %s: it is %s, which is final", run.RunID, run.State, old.State)
}

type scanner interface{ Scan(dest ...any) error }

func scanRun(row scanner) (run leadlake.Run, err error) {
	var spec, funnel string
	var started, updated int64
	err = row.Scan(&run.RunID, &run.CampaignID, &spec, &run.State, &run.DoneStep, &run.Error, &funnel, &started, &updated)
	if err != nil {
		return leadlake.Run{}, err
	}
	run.StartedAt, run.UpdatedAt = fromMicros(started), fromMicros(updated)
	if err := json.Unmarshal([]byte(spec), &run.Spec); err != nil {
		return leadlake.Run{}, fmt.Errorf("spec: %w", err)
	}
	if err := json.Unmarshal([]byte(funnel), &run.Funnel); err != nil {
		return leadlake.Run{}, fmt.Errorf("funnel: %w", err)
	}
	return run, nil
}

// SaveCampaign stores a campaign under its id, replacing what was there.
func (s *Store) SaveCampaign(ctx context.Context, c leadlake.CampaignSpec) error {
	spec, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("save campaign %s: %w", c.ID(), err)
	}
	if _, err := s.exec(ctx, "save_campaign", c.ID(), string(spec), toMicros(s.now())); err != nil {
		return fmt.Errorf("save campaign %s: %w", c.ID(), err)
	}
	return nil
}

// Campaign returns one campaign, or a NotFound.
func (s *Store) Campaign(ctx context.Context, id string) (leadlake.CampaignSpec, error) {
	c, err := scanCampaign(s.queryRow(ctx, "campaign", id))
	if errors.Is(err, sql.ErrNoRows) {
		return c, leadlake.Errorf(leadlake.NotFound, "campaign %s does not exist", id)
	}
	if err != nil {
		return c, fmt.Errorf("read campaign %s: %w", id, err)
	}
	return c, nil
}

// Campaigns returns all campaigns in order of their id.
func (s *Store) Campaigns(ctx context.Context) ([]leadlake.CampaignSpec, error) {
	var all []leadlake.CampaignSpec
	err := s.each(ctx, "campaigns", func(rows *sql.Rows) error {
		c, err := scanCampaign(rows)
		all = append(all, c)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list campaigns: %w", err)
	}
	return all, nil
}

func scanCampaign(row scanner) (c leadlake.CampaignSpec, err error) {
	var spec string
	if err := row.Scan(&spec); err != nil {
		return c, err
	}
	return c, json.Unmarshal([]byte(spec), &c)
}
