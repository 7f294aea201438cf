package ingest

import (
	"github.com/leadlake/leadlake/internal/tiling"
	"github.com/leadlake/leadlake/internal/wire"
)

// Subject is a lead that a lookup is about, as far as it is known. The record
// that stands for it names it: Provider and Key.
type Subject struct {
	Provider string
	Key      string

	Name, Domain, Email        string
	Phone                      string // E.164
	Street, City, Region       string
	Postal, Country            string // ISO 3166-1 alpha-2
	Lat, Lon                   *float64
	Registration, Jurisdiction string
}

// Field is a part of a lead that can be bought.
type Field string

// The fields.
const (
	FieldWebsite      Field = "website"
	FieldPhone        Field = "phone"
	FieldEmail        Field = "email"
	FieldAddress      Field = "address"
	FieldGeo          Field = "geo"
	FieldCategory     Field = "category"
	FieldReviews      Field = "reviews"
	FieldHours        Field = "hours"
	FieldLegalName    Field = "legal_name"
	FieldRegistration Field = "registration"
	FieldEmployees    Field = "employees"
	FieldRevenue      Field = "revenue"
	FieldFounded      Field = "founded_year"
	FieldSocial       Field = "social"
	FieldTech         Field = "tech"
	FieldFunding      Field = "funding"
)

// Gift is a field that an Enricher may give, with the share of lookups that
// have it: a prior, until the ledger knows better.
type Gift struct {
	Field   Field
	HitRate float64 // 0 to 1
}

type (
	// Point is a place in degrees.
	Point = tiling.Point
	// Box is a rectangle in degrees.
	Box = tiling.Box
	// Area is a circle.
	Area = tiling.Area
)

// What the one HTTP door knows, under the names that adapters use.
type (
	// Limit is a number of calls in a window.
	Limit = wire.Limit
	// Judgement is a verdict with what the provider says to it.
	Judgement = wire.Judgement
	// Verdict is what an answer means.
	Verdict = wire.Verdict
)

// Windows of a Limit.
const (
	PerSecond = wire.PerSecond
	PerMinute = wire.PerMinute
	PerHour   = wire.PerHour
	PerDay    = wire.PerDay
	PerMonth  = wire.PerMonth
)

// Resets of a Limit's day or month.
const (
	Rolling         = wire.Rolling
	UTCMidnight     = wire.UTCMidnight
	PacificMidnight = wire.PacificMidnight
)

// Verdicts of a Judgement.
const (
	Fine    = wire.Fine
	Miss    = wire.Miss
	Pending = wire.Pending
	Slow    = wire.Slow
	Spent   = wire.Spent
	Denied  = wire.Denied
	Refused = wire.Refused
	Erased  = wire.Erased
	Broken  = wire.Broken
	Wrong   = wire.Wrong
)
