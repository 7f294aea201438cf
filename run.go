package leadlake

import "time"

// RunState is where a run stands.
type RunState string

// The states. A run moves forward only; Failed and Published are final.
// Awaiting waits for a person to approve it.
const (
	RunRunning   RunState = "running"
	RunAwaiting  RunState = "awaiting_approval"
	RunPublished RunState = "published"
	RunRejected  RunState = "rejected"
	RunFailed    RunState = "failed"
)

// Step names one repeatable part of a run, in order.
type Step string

// The steps, each a command of the same name.
const (
	StepIngest    Step = "ingest"
	StepTransform Step = "transform"
	StepEnrich    Step = "enrich"
	StepScore     Step = "score"
	StepPublish   Step = "publish"
)

// Steps lists the steps in the order in which they run.
var Steps = []Step{StepIngest, StepTransform, StepEnrich, StepScore, StepPublish}

// Run is one execution of a campaign.
type Run struct {
	RunID      string       `json:"run_id"`
	CampaignID string       `json:"campaign_id"`
	Spec       CampaignSpec `json:"spec"`      // the campaign as it was when the run began
	State      RunState     `json:"state"`     //
	DoneStep   Step         `json:"done_step"` // the last finished step; "" before the first
	Error      string       `json:"error,omitempty"`
	Funnel     Funnel       `json:"funnel,omitzero"`
	StartedAt  time.Time    `json:"started_at"`
	UpdatedAt  time.Time    `json:"updated_at"`
}

// Funnel counts where the rows of a run went. It balances when Read equals
// Published + Rejected + Suppressed + Merged + Expired.
type Funnel struct {
	Read       int64 `json:"read"`       // records that the sources gave
	Published  int64 `json:"published"`  // leads
	Rejected   int64 `json:"rejected"`   // quarantined, or outside the campaign's filters
	Suppressed int64 `json:"suppressed"` // opted out
	Merged     int64 `json:"merged"`     // records folded into a lead that another record stands for
	Expired    int64 `json:"expired"`    // past what the licence allows to keep
}

// Balanced says whether every row read is accounted for.
func (f Funnel) Balanced() bool {
	return f.Read == f.Published+f.Rejected+f.Suppressed+f.Merged+f.Expired
}

// Outcome is what happened to one row. Rows in equal outcomes out.
type Outcome struct {
	Key  string `json:"key"`            // natural key of the row
	Code Code   `json:"code,omitempty"` // empty for success
	Note string `json:"note,omitempty"`
}

// OK says whether the row succeeded.
func (o Outcome) OK() bool { return o.Code == "" }
