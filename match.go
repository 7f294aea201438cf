package leadlake

// MatchRecord is a business as somebody wrote it down, to be looked for among
// the leads of a campaign. All of it may be missing but one field to find it
// by.
type MatchRecord struct {
	Provider string   `json:"provider,omitempty"` // with Key, which record of which source it is
	Key      string   `json:"key,omitempty"`
	Name     string   `json:"name,omitempty"`
	Street   string   `json:"street,omitempty"`
	City     string   `json:"city,omitempty"`
	Postal   string   `json:"postal,omitempty"`
	Country  string   `json:"country,omitempty"` // the campaign's by default
	Lat      *float64 `json:"lat,omitempty"`
	Lon      *float64 `json:"lon,omitempty"`
	Phone    string   `json:"phone,omitempty"`
	Website  string   `json:"website,omitempty"`
	Email    string   `json:"email,omitempty"`
}

// MatchResult is what a record was found to be.
type MatchResult struct {
	CampaignID string           `json:"campaign_id"`
	RunID      string           `json:"run_id"`   // whose leads these are
	Compared   int              `json:"compared"` // records that share a blocking key with it
	Candidates []MatchCandidate `json:"candidates"`
}

// MatchCandidate is a lead that a record may be, by the record of the lead that
// is most like it.
type MatchCandidate struct {
	LeadID   string          `json:"lead_id"` // empty: it is a record that was rejected
	Name     string          `json:"name"`
	Compared int             `json:"records_compared"` // of the lead
	Pair     PairExplanation `json:"pair"`
}

// PairExplanation says what two records weigh as one business, and why. Parts
// sum to the weight.
type PairExplanation struct {
	Left        RecordKey    `json:"left"`
	Right       RecordKey    `json:"right"`
	Weight      float64      `json:"weight"`      // bits above the threshold
	Probability float64      `json:"probability"` // that they are one business
	Threshold   float64      `json:"threshold"`   // the probability from which records match
	IsMatch     bool         `json:"is_match"`
	Model       string       `json:"model"`
	Parts       []WeightPart `json:"parts"`
}

// WeightPart is one bar of the waterfall: the prior, a comparison or the
// threshold.
type WeightPart struct {
	Comparison string  `json:"comparison"`
	Level      int     `json:"level"`
	Meaning    string  `json:"meaning"`
	Left       string  `json:"left,omitempty"` // what was compared, in standard form
	Right      string  `json:"right,omitempty"`
	Weight     float64 `json:"weight"`         // bits
	Default    float64 `json:"default_weight"` // of the model, before it was adapted to the run's data
	Adapted    float64 `json:"adapted"`        // the difference of the two
	// IsRule says that the weight is set by hand and not learnt.
	IsRule bool `json:"is_rule,omitempty"`
	// M and U are how often the level comes among pairs that are one business
	// and among others, in the data that the model was trained on; 0 where that
	// is not known.
	M float64 `json:"m,omitempty"`
	U float64 `json:"u,omitempty"`
	// Frequency says how the rarity of what is shared came into the level.
	Frequency string `json:"frequency,omitempty"`
}
