package transforms

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
)

// What may happen to a lead.
const (
	LeadAppeared = "appeared" // it is published for the first time, as far as snapshots reach
	LeadGained   = "gained"   // records that stood behind no lead
	LeadMerge    = "merge"    // records of another lead
	LeadLost     = "lost"     // records that stand behind no lead now
	LeadSplit    = "split"    // records that stand behind another lead now
	LeadEnded    = "ended"    // it is not published any more; its records stand behind another lead, or none
)

// LeadEvent is what one publish did to the records of a lead.
type LeadEvent struct {
	Version int64                `json:"version"` // of the lake: marts.lead_records at (version => n)
	At      time.Time            `json:"at"`
	RunID   string               `json:"run_id,omitempty"`
	Kind    string               `json:"kind"`
	LeadID  string               `json:"lead_id,omitempty"` // the other lead, where there is one
	Records []leadlake.RecordKey `json:"records"`
}

// leadState is who had which records in one snapshot: those that the lead had
// at any time.
type leadState struct {
	version int64
	at      time.Time
	runID   string
	holders map[leadlake.RecordKey]string
}

// ReadHistory says how the records of a lead changed over the newest snapshots
// of the lake, at most as many as limit. The oldest change comes first.
func ReadHistory(ctx context.Context, s *lake.Session, campaignID, leadID string, limit int) ([]LeadEvent, error) {
	var states []leadState
	err := eachOf(ctx, s, "lead_snapshots", func(rows *sql.Rows) error {
		state := leadState{holders: map[leadlake.RecordKey]string{}}
		err := rows.Scan(&state.version, &state.at)
		states = append(states, state)
		return err
	}, limit)
	if err != nil {
		return nil, err
	}
	const table = "create or replace temp table lead_history (version bigint, run_id varchar, provider varchar, provider_key varchar, lead_id varchar)"
	if err := s.Exec(ctx, table); err != nil {
		return nil, fmt.Errorf("make table of history: %w", err)
	}
	for _, query := range []string{"lead_history", "lead_history_others"} {
		text, err := readQuery(query)
		if err != nil {
			return nil, err
		}
		for _, state := range states {
			err := s.Exec(ctx, fmt.Sprintf("set variable history_version = %d", state.version))
			if err == nil {
				err = s.Exec(ctx, text, campaignID, leadID)
			}
			if err != nil {
				return nil, SQLError(fmt.Sprintf("read snapshot %d", state.version), "sql/queries/"+query+".sql", err)
			}
		}
	}
	if err := readHolders(ctx, s, states); err != nil {
		return nil, err
	}
	return leadEvents(leadID, states), nil
}

func readHolders(ctx context.Context, s *lake.Session, states []leadState) error {
	rows, err := s.Query(ctx, "select version, coalesce(run_id, ''), provider, provider_key, lead_id from temp.lead_history order by all")
	if err != nil {
		return fmt.Errorf("read history: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var version int64
		var key leadlake.RecordKey
		var runID, holder string
		if err := rows.Scan(&version, &runID, &key.Provider, &key.Key, &holder); err != nil {
			return fmt.Errorf("read history: %w", err)
		}
		at, _ := slices.BinarySearchFunc(states, version, func(s leadState, v int64) int { return cmp.Compare(s.version, v) })
		states[at].runID, states[at].holders[key] = runID, holder
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read history: %w", err)
	}
	return nil
}

// leadEvents compares each snapshot to the one before.
func leadEvents(leadID string, states []leadState) []LeadEvent {
	events := []LeadEvent{}
	before, wasThere := map[leadlake.RecordKey]string{}, false
	for _, state := range states {
		isThere := slices.Contains(slices.Collect(maps.Values(state.holders)), leadID)
		changes := map[[2]string][]leadlake.RecordKey{} // by kind and other lead
		note := func(kind, other string, key leadlake.RecordKey) {
			changes[[2]string{kind, other}] = append(changes[[2]string{kind, other}], key)
		}
		keys := maps.Clone(before)
		maps.Copy(keys, state.holders)
		for key := range keys {
			then, now := before[key], state.holders[key]
			switch {
			case then == now || (then != leadID && now != leadID):
			case now == leadID && then != "":
				note(LeadMerge, then, key)
			case now == leadID && !wasThere:
				note(LeadAppeared, "", key)
			case now == leadID:
				note(LeadGained, "", key)
			case !isThere:
				note(LeadEnded, now, key)
			case now != "":
				note(LeadSplit, now, key)
			default:
				note(LeadLost, "", key)
			}
		}
		for _, change := range slices.SortedFunc(maps.Keys(changes), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) }) {
			records := changes[change]
			slices.SortFunc(records, func(a, b leadlake.RecordKey) int {
				return cmp.Or(cmp.Compare(a.Provider, b.Provider), cmp.Compare(a.Key, b.Key))
			})
			events = append(events, LeadEvent{
				Version: state.version, At: state.at.UTC(), RunID: state.runID, Kind: change[0], LeadID: change[1], Records: records,
			})
		}
		before, wasThere = state.holders, wasThere || isThere
	}
	return events
}
