package transforms

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
)

// MergeLimits say how much a run may merge before a person has to look at it. A
// limit of 0 does not hold.
type MergeLimits struct {
	// LeadRecords is how many records one lead may stand for. A lead that was
	// published with more may grow by half.
	LeadRecords int64
	// LeadsEnded is the share of published leads that may go into others at once.
	LeadsEnded float64
	// ShareGrowth is by how much the share of records that are merged may be
	// above that of the published run.
	ShareGrowth float64
}

// Below these numbers a share says nothing.
const (
	guardedLeads   = 20
	guardedRecords = 100
)

// Merges is what a run merges, beside what is published. Answers are left out.
type Merges struct {
	Records       int64      `json:"records"`
	Leads         int64      `json:"leads"`
	RecordsBefore int64      `json:"records_before"`
	LeadsBefore   int64      `json:"leads_before"`
	LeadsEnded    int64      `json:"leads_ended"` // published leads that would go into others
	Large         []BigMerge `json:"large"`       // leads of more records than the limit
}

// BigMerge is a lead that stands for many records.
type BigMerge struct {
	LeadID  string `json:"lead_id"`
	Name    string `json:"name"`
	Records int64  `json:"records"`
	Before  int64  `json:"records_before"` // of the same lead as it is published
	Sample  string `json:"sample"`         // some of its records
}

// MergesRefusedError says that a run merges more than the limits allow.
// Nothing of it is published; a person may accept it.
type MergesRefusedError struct {
	Merges Merges
	err    *leadlake.Error
}

// Error implements error.
func (m *MergesRefusedError) Error() string { return m.err.Error() }

// Unwrap gives the error its code.
func (m *MergesRefusedError) Unwrap() error { return m.err }

// CheckMerges refuses a run that merges far more than what its campaign has
// published, and leads that stand for too many records: one bad list must not
// take the leads of others with it. It reads the candidates of the run.
func CheckMerges(ctx context.Context, l *lake.Lake, p Params, limits MergeLimits) error {
	s, err := l.Session(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	m, err := readMerges(ctx, s, p.Run, limits)
	if err != nil {
		return err
	}
	faults := m.faults(limits)
	if len(faults) == 0 {
		return nil
	}
	refused := leadlake.Errorf(leadlake.Conflict, "run %s merges more than it may: %s", p.Run.RunID, strings.Join(faults, "; ")).
		WithFix("nothing of it is published. Look at its candidates: leadlake sql \"from candidates.lead_records where run_id = '%[1]s' and lead_id = '...'\". Where they are right: leadlake publish --run %[1]s --accept-merges, or raise merge_limits in the configuration. Where not: correct the list and run the campaign again", p.Run.RunID)
	return &MergesRefusedError{m, refused}
}

func readMerges(ctx context.Context, s *lake.Session, run leadlake.Run, limits MergeLimits) (Merges, error) {
	var m Merges
	if err := viewPublished(ctx, s); err != nil {
		return m, err
	}
	err := eachOf(ctx, s, "merges", func(rows *sql.Rows) error {
		return rows.Scan(&m.Records, &m.Leads, &m.RecordsBefore, &m.LeadsBefore, &m.LeadsEnded)
	}, run.RunID, run.CampaignID)
	if err != nil || limits.LeadRecords == 0 {
		return m, err
	}
	return m, eachOf(ctx, s, "largest_leads", func(rows *sql.Rows) error {
		var b BigMerge
		err := rows.Scan(&b.LeadID, &b.Name, &b.Records, &b.Before, &b.Sample)
		if 2*b.Records > 3*b.Before {
			m.Large = append(m.Large, b)
		}
		return err
	}, run.RunID, run.CampaignID, limits.LeadRecords)
}

// faults say what is over a limit.
func (m Merges) faults(limits MergeLimits) []string {
	var out []string
	if ended := float64(m.LeadsEnded) / max(1, float64(m.LeadsBefore)); limits.LeadsEnded > 0 && m.LeadsEnded >= guardedLeads && ended > limits.LeadsEnded {
		out = append(out, fmt.Sprintf("%d of %d published leads (%.0f%%) would go into others, more than %.0f%%", m.LeadsEnded, m.LeadsBefore, 100*ended, 100*limits.LeadsEnded))
	}
	now, before := mergedShare(m.Records, m.Leads), mergedShare(m.RecordsBefore, m.LeadsBefore)
	if limits.ShareGrowth > 0 && m.LeadsBefore > 0 && m.Records-m.Leads >= guardedRecords && now-before > limits.ShareGrowth {
		out = append(out, fmt.Sprintf("%.0f%% of its records are merged into others and %.0f%% of the published ones, a growth by more than %.0f points", 100*now, 100*before, 100*limits.ShareGrowth))
	}
	for i, b := range m.Large {
		if i == mostLarge {
			out = append(out, fmt.Sprintf("and %d leads more", len(m.Large)-mostLarge))
			break
		}
		out = append(out, fmt.Sprintf("lead %s (%q) would stand for %d records, more than %d, such as %s", b.LeadID, b.Name, b.Records, limits.LeadRecords, b.Sample))
	}
	return out
}

// mostLarge is how many leads the error names.
const mostLarge = 3

// mergedShare is the share of records that are not the first of their lead.
func mergedShare(records, leads int64) float64 {
	return float64(records-leads) / max(1, float64(records))
}
