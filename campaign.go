package leadlake

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// CampaignSpec says which leads a marketer wants and what they may cost. Its
// JSON is the body of POST /v1/campaigns (product specification, 10.3).
type CampaignSpec struct {
	Name         string            `json:"name"`
	Vertical     Vertical          `json:"vertical"`
	Keywords     string            `json:"keywords,omitempty"` // free text for search sources, such as "plumber"
	Geo          GeoSpec           `json:"geo,omitzero"`
	Filters      Filters           `json:"filters,omitzero"`
	Sources      []SourceSpec      `json:"sources"`
	Enrichment   []string          `json:"enrichment,omitempty"`
	Budget       BudgetSpec        `json:"budget,omitzero"`
	Schedule     *ScheduleSpec     `json:"schedule,omitempty"`
	Destinations []DestinationSpec `json:"destinations,omitempty"`
}

// GeoSpec is a circle around a place. Lat and Lon win over the names.
type GeoSpec struct {
	City     string   `json:"city,omitempty"`
	Region   string   `json:"region,omitempty"`
	Country  string   `json:"country,omitempty"` // ISO 3166-1 alpha-2
	Lat      *float64 `json:"lat,omitempty"`
	Lon      *float64 `json:"lon,omitempty"`
	RadiusKM float64  `json:"radius_km,omitempty"`
}

// Filters drop leads that the marketer does not want. Zero means no filter.
// A lead without the value passes only where no filter asks for it.
type Filters struct {
	MinRating      float64 `json:"min_rating,omitempty"`
	ReviewCountMin int64   `json:"review_count_min,omitempty"`
}

// SourceSpec names a source of a campaign: in JSON either its name alone or an
// object. Plain lists carry their file and column mapping here.
type SourceSpec struct {
	Source   string            `json:"source"`             // the adapter: google_places, list
	Name     string            `json:"name,omitempty"`     // the provider name on its records; the adapter's by default
	Path     string            `json:"path,omitempty"`     // list: the file
	Format   string            `json:"format,omitempty"`   // list: csv, tsv, jsonl, parquet; by the file's name if empty
	Encoding string            `json:"encoding,omitempty"` // list: utf-8, latin-1, utf-16; guessed if empty
	Mapping  map[string]string `json:"mapping,omitempty"`  // list: canonical field to column; guessed if empty
	Defaults map[string]string `json:"defaults,omitempty"` // list: canonical field to a constant, where the file has no such column
	Where    map[string]string `json:"where,omitempty"`    // list: read only rows whose column has this value
}

// UnmarshalJSON accepts a bare name for a source without settings.
func (s *SourceSpec) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		*s = SourceSpec{}
		return json.Unmarshal(b, &s.Source)
	}
	type plain SourceSpec
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	return dec.Decode((*plain)(s))
}

// Provider is the name that the source's records carry.
func (s SourceSpec) Provider() string {
	if s.Name != "" {
		return s.Name
	}
	return s.Source
}

// BudgetSpec limits what a run may spend: hard stops, before the call that
// would pass them. Zero means no limit.
type BudgetSpec struct {
	MaxCostUSD   float64            `json:"max_cost_usd,omitempty"`
	PerSourceUSD map[string]float64 `json:"per_source_usd,omitempty"` // by the name of a source
	PerLeadUSD   float64            `json:"per_lead_usd,omitempty"`   // of enrichment
	MinFillRate  float64            `json:"min_fill_rate,omitempty"`  // share of lookups that must bring something, 0 to 1; below it a source is left alone
}

// ScheduleSpec is a cron line with its time zone.
type ScheduleSpec struct {
	Cron     string `json:"cron"`
	TimeZone string `json:"time_zone,omitempty"`
}

// DestinationSpec names where approved leads go.
type DestinationSpec struct {
	Type     string `json:"type"`
	ConfigID string `json:"config_id,omitempty"`
}

// ParseCampaign decodes a campaign from JSON. An unknown field is an error.
func ParseCampaign(b []byte) (CampaignSpec, error) {
	var c CampaignSpec
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&c); err != nil {
		return c, Errorf(Invalid, "campaign: %w", err)
	}
	return c, c.Validate()
}

// ID is the campaign's stable identifier: a slug of its name.
func (c CampaignSpec) ID() string {
	slug := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + ('a' - 'A')
		}
		return ' '
	}, c.Name)
	if fields := strings.Fields(slug); len(fields) > 0 {
		return strings.Join(fields, "-")
	}
	sum := sha256.Sum256([]byte(c.Name)) // a name without a Latin letter
	return "campaign-" + hex.EncodeToString(sum[:4])
}

// Validate reports the first thing that makes the campaign impossible to run.
func (c CampaignSpec) Validate() error {
	switch {
	case strings.TrimSpace(c.Name) == "":
		return Errorf(Invalid, "campaign: name is missing").WithFix(`add name: "Denver Plumbers Q4"`)
	case !slices.Contains(Verticals, c.Vertical):
		return Errorf(Invalid, "campaign: vertical %q is unknown", c.Vertical).WithFix("use one of %s", joinVerticals())
	case len(c.Sources) == 0:
		return Errorf(Invalid, "campaign: no sources").WithFix("list at least one under sources")
	case c.Geo.RadiusKM < 0:
		return Errorf(Invalid, "campaign: geo.radius_km is %g", c.Geo.RadiusKM).WithFix("use a positive number of kilometres")
	case (c.Geo.Lat == nil) != (c.Geo.Lon == nil):
		return Errorf(Invalid, "campaign: geo needs both lat and lon, or neither")
	case c.Geo.Lat != nil && (*c.Geo.Lat < -90 || *c.Geo.Lat > 90 || *c.Geo.Lon < -180 || *c.Geo.Lon > 180):
		return Errorf(Invalid, "campaign: geo %g, %g is not on the globe", *c.Geo.Lat, *c.Geo.Lon)
	case c.Filters.MinRating < 0 || c.Filters.MinRating > 5:
		return Errorf(Invalid, "campaign: filters.min_rating is %g", c.Filters.MinRating).WithFix("ratings go from 1 to 5")
	case c.Filters.ReviewCountMin < 0:
		return Errorf(Invalid, "campaign: filters.review_count_min is negative")
	case c.Budget.MaxCostUSD < 0:
		return Errorf(Invalid, "campaign: budget.max_cost_usd is negative")
	case c.Budget.PerLeadUSD < 0:
		return Errorf(Invalid, "campaign: budget.per_lead_usd is negative")
	case c.Budget.MinFillRate < 0 || c.Budget.MinFillRate > 1:
		return Errorf(Invalid, "campaign: budget.min_fill_rate is %g", c.Budget.MinFillRate).WithFix("use a share between 0 and 1, such as 0.2")
	}
	seen := map[string]bool{}
	for i, s := range c.Sources {
		if s.Source == "" {
			return Errorf(Invalid, "campaign: sources[%d] has no source", i)
		}
		if seen[s.Provider()] {
			return Errorf(Invalid, "campaign: two sources are called %q", s.Provider()).WithFix("give each a name of its own")
		}
		seen[s.Provider()] = true
	}
	for i, name := range c.Enrichment {
		if slices.Index(c.Enrichment, name) < i {
			return Errorf(Invalid, "campaign: enrichment names %q twice", name).WithFix("name each source once")
		}
		seen[name] = true
	}
	for name, usd := range c.Budget.PerSourceUSD {
		if !seen[name] || usd < 0 {
			return Errorf(Invalid, "campaign: budget.per_source_usd.%s is %g", name, usd).
				WithFix("give a source of the campaign and a positive amount")
		}
	}
	return nil
}

func joinVerticals() string {
	names := make([]string, len(Verticals))
	for i, v := range Verticals {
		names[i] = fmt.Sprint(v)
	}
	return strings.Join(names, ", ")
}
