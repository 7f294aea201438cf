package transforms

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
)

// Preview asks what another threshold or model would make of a state.
type Preview struct {
	Threshold float64 // probability at which two records count as a match; 0 for the one that holds
	Model     []byte  // a match model as JSON, to be adapted to the data; nil for the one that holds
	Pairs     string  // Parquet file of labelled pairs beside the links of people; may be empty
	Samples   int     // how many won and lost pairs to show, of each
	Apply     bool    // make it the model that holds
}

// Previewed is what another threshold or model makes of a state. Nothing of it
// is published; applied, it holds for the next run.
type Previewed struct {
	Threshold   float64       `json:"threshold"`
	Model       string        `json:"model"`
	PairsWon    int64         `json:"pairs_won"`  // pairs of records in one lead that were not
	PairsLost   int64         `json:"pairs_lost"` // and the other way round
	LeadsNow    int64         `json:"leads_now"`
	LeadsThen   int64         `json:"leads_then"`
	LeadsMerged int64         `json:"leads_merged"` // leads that are made of several
	LeadsSplit  int64         `json:"leads_split"`  // leads that are taken apart
	Now         LabelQuality  `json:"quality_now"`
	Then        LabelQuality  `json:"quality_then"`
	Samples     []ChangedPair `json:"samples"`
	IsApplied   bool          `json:"is_applied"`
}

// LabelQuality is what the labelled pairs say of weights: those that people
// linked or kept apart, which are doubtful ones more often than all pairs are.
// A pair is found where its weight alone makes it a match.
type LabelQuality struct {
	Matches   int64   `json:"matches"` // labelled pairs that are one business
	Others    int64   `json:"others"`  // and that are not
	Right     int64   `json:"right"`   // matches that are found
	Wrong     int64   `json:"wrong"`   // others that are found
	Precision float64 `json:"precision"`
	Recall    float64 `json:"recall"`
}

// ChangedPair is a pair of records that a preview joins or parts.
type ChangedPair struct {
	IsWon       bool               `json:"is_won"`
	WeightNow   float64            `json:"weight_now"`
	WeightThen  float64            `json:"weight_then"`
	Evidence    string             `json:"evidence"`
	Left        leadlake.RecordKey `json:"left"`
	LeftValues  string             `json:"left_values"`
	Right       leadlake.RecordKey `json:"right"`
	RightValues string             `json:"right_values"`
}

// Preview says what a threshold or model makes of the state's records, without
// comparing any of them again, and applies it where that is asked for. Pairs
// that blocking did not propose stay out of it.
func (m MatchState) Preview(ctx context.Context, s *lake.Session, p Preview) (_ Previewed, err error) {
	chosen, err := m.chosen()
	if err != nil {
		return Previewed{}, err
	}
	if p.Threshold != 0 {
		chosen.Threshold = p.Threshold
	}
	if chosen.Threshold <= 0 || chosen.Threshold >= 1 {
		return Previewed{}, leadlake.Errorf(leadlake.Invalid, "preview: a threshold of %g", chosen.Threshold).WithFix("give a probability between 0 and 1, such as 0.9")
	}
	if p.Model != nil {
		if chosen.Model, err = ParseMatchModel(p.Model); err != nil {
			return Previewed{}, err
		}
	}
	if err := m.exists(); err != nil {
		return Previewed{}, err
	}
	if err := clearAll(ctx, s); err != nil {
		return Previewed{}, err
	}
	detach, err := m.attach(ctx, s)
	if err != nil {
		return Previewed{}, err
	}
	defer func() { err = errors.Join(err, detach()) }()
	run := stateRun{MatchState: m, session: s}
	if err := run.previewed(ctx, p, chosen); err != nil {
		return Previewed{}, fmt.Errorf("preview: %w", err)
	}
	out := Previewed{Threshold: chosen.Threshold, Model: chosen.Model.Version}
	if err := run.readPreview(ctx, p.Samples, &out); err != nil {
		return Previewed{}, fmt.Errorf("preview: %w", err)
	}
	if p.Apply {
		if err := run.apply(ctx, chosen); err != nil {
			return out, fmt.Errorf("apply preview: %w", err)
		}
		out.IsApplied = true
	}
	return out, nil
}

// previewed weighs and clusters the state's pairs by a model, in scratch.
func (p stateRun) previewed(ctx context.Context, w Preview, chosen chosenModel) error {
	if fits, err := p.fits(ctx, p.session); err != nil || !fits {
		return errors.Join(err, leadlake.Errorf(leadlake.Conflict, "the match state is of another program").WithFix("resolve all records once, then preview"))
	}
	if err := p.session.Exec(ctx, "create schema if not exists scratch.incremental"); err != nil {
		return err
	}
	if err := incrementalScript(ctx, p.session, "preview_patterns"); err != nil {
		return err
	}
	if w.Model != nil {
		if err := writeMatchWeights(ctx, p.session, chosen.shifted()); err != nil {
			return err
		}
	}
	err := p.session.Exec(ctx, "update scratch.intermediate.int_match_weights set weight = $1, default_weight = $1 where comparison = 'prior'", chosen.shifted().Prior)
	if err != nil {
		return fmt.Errorf("set threshold: %w", err)
	}
	err = p.build(ctx, substituted(Externals(),
		given("int_records_kept", "record_id bigint"), given("int_patterns", "pattern bigint"),
		given("int_match_weights", "comparison varchar, level integer, weight double, default_weight double, meaning varchar"),
	), []string{"intermediate.int_patterns", "intermediate.int_match_weights", "intermediate.int_pattern_weights"})
	if err != nil {
		return err
	}
	if err := incrementalScript(ctx, p.session, "preview_edges"); err != nil {
		return err
	}
	if err := p.cluster(ctx); err != nil {
		return err
	}
	if err := p.labels(ctx, w.Pairs); err != nil {
		return err
	}
	return incrementalScript(ctx, p.session, "preview_cells")
}

// labels makes scratch.incremental.told: what people said, and what a file of
// labelled pairs says.
func (p stateRun) labels(ctx context.Context, pairs string) error {
	links := newLinkReader(p.Links)
	defer links.Release()
	if err := p.session.Load(ctx, "scratch.incremental.told", links); err != nil {
		return fmt.Errorf("load links: %w", err)
	}
	if pairs == "" {
		return nil
	}
	if err := readable(pairs); err != nil {
		return err
	}
	for _, statement := range []string{
		"create schema if not exists scratch.eval", "set variable pairs_file = " + lake.Quote(pairs),
	} {
		if err := p.session.Exec(ctx, statement); err != nil {
			return err
		}
	}
	if err := evalScript(ctx, p.session, "pairs"); err != nil {
		return err
	}
	const add = "insert into scratch.incremental.told by name select left_source as left_provider, left_key, right_source as right_provider, right_key, is_match, '' as link_id from scratch.eval.pairs"
	if err := p.session.Exec(ctx, add); err != nil {
		return fmt.Errorf("read labelled pairs: %w", err)
	}
	return nil
}

func (p stateRun) readPreview(ctx context.Context, samples int, out *Previewed) error {
	text, err := readScript("preview_counts")
	if err != nil {
		return err
	}
	now, then := &out.Now, &out.Then
	err = p.session.QueryRow(ctx, text).Scan(&out.PairsWon, &out.PairsLost, &out.LeadsNow, &out.LeadsThen, &out.LeadsMerged, &out.LeadsSplit,
		&now.Matches, &now.Others, &now.Right, &now.Wrong, &then.Right, &then.Wrong)
	if err != nil {
		return fmt.Errorf("count leads: %w", err)
	}
	then.Matches, then.Others = now.Matches, now.Others
	for _, q := range []*LabelQuality{now, then} {
		q.Precision, q.Recall = ratio(q.Right, q.Right+q.Wrong), ratio(q.Right, q.Matches)
	}
	out.Samples = []ChangedPair{}
	if text, err = readScript("preview_samples"); err != nil {
		return err
	}
	rows, err := p.session.Query(ctx, text, samples)
	if err != nil {
		return SQLError("run script", "sql/incremental/preview_samples.sql", err)
	}
	defer rows.Close()
	for rows.Next() {
		var c ChangedPair
		var evidence sql.NullString
		err := rows.Scan(&c.IsWon, &c.WeightNow, &c.WeightThen, &evidence, &c.Left.Provider, &c.Left.Key, &c.LeftValues, &c.Right.Provider, &c.Right.Key, &c.RightValues)
		if err != nil {
			return fmt.Errorf("read samples: %w", err)
		}
		c.Evidence = evidence.String
		out.Samples = append(out.Samples, c)
	}
	return rows.Err()
}

// apply makes the previewed model the one that holds. A crash after the first
// step leaves a state that does not fit, so that the next resolution is a full
// one, by the new model.
func (p stateRun) apply(ctx context.Context, chosen chosenModel) error {
	if err := p.choose(chosen); err != nil {
		return err
	}
	sign, err := p.fingerprint()
	if err != nil {
		return err
	}
	if err := p.session.Exec(ctx, "set variable fingerprint = "+lake.Quote(sign)); err != nil {
		return err
	}
	return inTransaction(ctx, p.session, "preview_store")
}
