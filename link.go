package leadlake

import "time"

// LinkKind is what a person said about two records.
type LinkKind string

// The kinds: two records are one business, or they are not. Both win over what
// the records look like.
const (
	LinkMust  LinkKind = "must"
	LinkNever LinkKind = "never"
)

// EveryCampaign stands for a campaign's id where a link holds in all of them.
const EveryCampaign = "*"

// RecordKey names a record of a source. It outlives runs, which ids of leads
// may not.
type RecordKey struct {
	Provider string `json:"provider"`
	Key      string `json:"key"`
}

// String is the key as commands take it.
func (k RecordKey) String() string { return k.Provider + ":" + k.Key }

// Link is what a person said about two records, and who took it back where
// somebody did. Of links about the same two the latest that stands holds.
type Link struct {
	ID         string    `json:"id"`
	ChangeID   string    `json:"change_id"`   // what one command did
	CampaignID string    `json:"campaign_id"` // or EveryCampaign
	Left       RecordKey `json:"left"`
	Right      RecordKey `json:"right"`
	Kind       LinkKind  `json:"kind"`
	Who        string    `json:"who"`
	Why        string    `json:"why,omitempty"`
	At         time.Time `json:"at"`
	UndoneBy   string    `json:"undone_by,omitempty"`
	UndoneWhy  string    `json:"undone_why,omitempty"`
	UndoneAt   time.Time `json:"undone_at,omitzero"`
}

// Stands says whether nobody has taken the link back.
func (l Link) Stands() bool { return l.UndoneAt.IsZero() }
