package leadlake

import (
	"encoding/json"
	"time"
)

// Vertical is the market that a lead belongs to.
type Vertical string

// The verticals of the product specification, section 6.
const (
	LocalServices Vertical = "local_services"
	B2BSaaS       Vertical = "b2b_saas"
	Ecommerce     Vertical = "ecommerce"
	Healthcare    Vertical = "healthcare"
	RealEstate    Vertical = "real_estate"
	OtherVertical Vertical = "other"
)

// Verticals lists every vertical in display order.
var Verticals = []Vertical{LocalServices, B2BSaaS, Ecommerce, Healthcare, RealEstate, OtherVertical}

// Tier is the priority of a lead: A before B before C.
type Tier string

// The tiers.
const (
	TierA Tier = "A"
	TierB Tier = "B"
	TierC Tier = "C"
)

// CanonicalLead is one business after resolution: the golden value of each
// field, where it came from, and its score. Absent values are nil or empty.
type CanonicalLead struct {
	LeadID            string            `json:"lead_id"` // UUID, stable while its records are
	CampaignID        string            `json:"campaign_id,omitempty"`
	RunID             string            `json:"run_id,omitempty"`
	Name              string            `json:"name"`
	LegalEntity       LegalEntity       `json:"legal_entity"`
	Brand             Brand             `json:"brand"`
	Vertical          Vertical          `json:"vertical"`
	Website           *string           `json:"website,omitempty"`
	Domains           []string          `json:"domains,omitempty"` // registrable domains, lower case
	Emails            []Email           `json:"emails,omitempty"`
	Phones            []Phone           `json:"phones,omitempty"`
	Address           *Address          `json:"address,omitempty"`
	Geo               *Geo              `json:"geo,omitempty"`
	Social            Social            `json:"social,omitzero"`
	Firmographics     Firmographics     `json:"firmographics,omitzero"`
	TechSignals       []string          `json:"tech_signals,omitempty"`
	Reviews           Reviews           `json:"reviews,omitzero"`
	Hours             []BusinessHour    `json:"hours,omitempty"`
	Tags              []string          `json:"tags,omitempty"`
	LeadScore         *int              `json:"lead_score,omitempty"` // 0 to 100
	PriorityTier      Tier              `json:"priority_tier,omitempty"`
	ScoreExplanations []string          `json:"score_explanations,omitempty"`
	ScoreModel        string            `json:"score_model,omitempty"` // name and version of the scorer
	Sources           []string          `json:"sources,omitempty"`     // distinct providers
	SourceRecords     []SourceRecord    `json:"source_records,omitempty"`
	Provenance        []ProvenanceEntry `json:"provenance,omitempty"`
	LosingValues      []LosingValue     `json:"losing_values,omitempty"`
	CreatedAt         time.Time         `json:"created_at"`
	UpdatedAt         time.Time         `json:"updated_at"`
}

// LegalEntity is the registered company behind a lead.
type LegalEntity struct {
	Name           string   `json:"name,omitempty"`
	AltNames       []string `json:"alt_names,omitempty"`
	RegistrationID *string  `json:"registration_id,omitempty"`
	Jurisdictions  []string `json:"jurisdictions,omitempty"`
}

// Brand is the trading name, where it differs from the legal one.
type Brand struct {
	Name *string `json:"name,omitempty"`
}

// Email is one address. Type is generic, role or personal.
type Email struct {
	Value    string  `json:"value"`
	Type     string  `json:"type,omitempty"`
	Verified *bool   `json:"verified,omitempty"`
	Provider *string `json:"provider,omitempty"`
}

// Phone is one number in E.164. Type is main, mobile or fax.
type Phone struct {
	Value    string  `json:"value"`
	Type     string  `json:"type,omitempty"`
	Provider *string `json:"provider,omitempty"`
}

// Address is a postal address. Country is ISO 3166-1 alpha-2; Region is the
// postal abbreviation where the country has one.
type Address struct {
	Line1   string  `json:"line1,omitempty"`
	Line2   *string `json:"line2,omitempty"`
	City    string  `json:"city,omitempty"`
	Region  string  `json:"region,omitempty"`
	Postal  string  `json:"postal,omitempty"`
	Country string  `json:"country,omitempty"`
}

// Geo is a point in degrees, WGS 84.
type Geo struct {
	Lat float64 `json:"lat"`
	Lon float64 `json:"lon"`
}

// Social holds profile addresses.
type Social struct {
	LinkedIn  *string `json:"linkedin,omitempty"`
	Twitter   *string `json:"twitter,omitempty"`
	Facebook  *string `json:"facebook,omitempty"`
	Instagram *string `json:"instagram,omitempty"`
}

// Firmographics describe the size and age of a company.
type Firmographics struct {
	EmployeesRange *string `json:"employees_range,omitempty"`
	RevenueRange   *string `json:"revenue_range,omitempty"`
	FoundedYear    *int    `json:"founded_year,omitempty"`
}

// Reviews sums up what customers wrote. Rating is 1 to 5.
type Reviews struct {
	Count          int64      `json:"count,omitempty"`
	Rating         *float64   `json:"rating,omitempty"`
	LastReviewedAt *time.Time `json:"last_reviewed_at,omitempty"`
}

// BusinessHour is one opening interval. DOW is 0 (Sunday) to 6; Open and Close
// are local times as "HH:MM".
type BusinessHour struct {
	DOW   int    `json:"dow"`
	Open  string `json:"open"`
	Close string `json:"close"`
}

// SourceRecord is what one provider said about one business, untouched.
type SourceRecord struct {
	Provider    string          `json:"provider"`
	ProviderKey string          `json:"provider_key"`
	Raw         json.RawMessage `json:"raw,omitempty"`
	FetchedAt   time.Time       `json:"fetched_at"`
	Hash        string          `json:"hash"` // SHA-256 of Raw, hex
}

// ProvenanceEntry says which provider a golden value came from. Confidence is
// 0 to 1.
type ProvenanceEntry struct {
	Field       string  `json:"field"`
	Provider    string  `json:"provider"`
	ProviderKey string  `json:"provider_key,omitempty"`
	Confidence  float64 `json:"confidence"`
	Note        string  `json:"note,omitempty"`
}

// LosingValue is a value that another provider's value beat.
type LosingValue struct {
	Field       string  `json:"field"`
	Value       string  `json:"value"`
	Provider    string  `json:"provider"`
	ProviderKey string  `json:"provider_key"`
	Confidence  float64 `json:"confidence"`
}
