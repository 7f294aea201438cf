package snapshot

import (
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/leadlake/leadlake"
)

// columns reads the cells of a batch, or of the structs in a list column, by
// name. The casts in sql/part.sql fix every type; a null cell reads as zero.
type columns struct {
	arrays  map[string]arrow.Array
	structs map[string]columns // the elements of list columns of structs
}

func columnsOf(fields []arrow.Field, arrays func(int) arrow.Array) columns {
	c := columns{arrays: map[string]arrow.Array{}, structs: map[string]columns{}}
	for i, f := range fields {
		c.arrays[f.Name] = arrays(i)
		list, ok := arrays(i).(*array.List)
		if !ok {
			continue
		}
		if elements, ok := list.ListValues().(*array.Struct); ok {
			c.structs[f.Name] = columnsOf(elements.DataType().(*arrow.StructType).Fields(), elements.Field)
		}
	}
	return c
}

func (c columns) text(name string, i int) string {
	if a := c.arrays[name]; !a.IsNull(i) {
		return a.(*array.String).Value(i)
	}
	return ""
}

func (c columns) textOrNil(name string, i int) *string {
	if s := c.text(name, i); s != "" {
		return &s
	}
	return nil
}

func (c columns) whole(name string, i int) int64 {
	if a := c.arrays[name]; !a.IsNull(i) {
		return a.(*array.Int64).Value(i)
	}
	return 0
}

func (c columns) wholeOrNil(name string, i int) *int {
	if c.arrays[name].IsNull(i) {
		return nil
	}
	n := int(c.whole(name, i))
	return &n
}

func (c columns) number(name string, i int) float64 {
	if a := c.arrays[name]; !a.IsNull(i) {
		return a.(*array.Float64).Value(i)
	}
	return 0
}

func (c columns) numberOrNil(name string, i int) *float64 {
	if c.arrays[name].IsNull(i) {
		return nil
	}
	n := c.number(name, i)
	return &n
}

func (c columns) flagOrNil(name string, i int) *bool {
	a := c.arrays[name]
	if a.IsNull(i) {
		return nil
	}
	b := a.(*array.Boolean).Value(i)
	return &b
}

func (c columns) time(name string, i int) time.Time {
	if a := c.arrays[name]; !a.IsNull(i) {
		return time.UnixMicro(int64(a.(*array.Timestamp).Value(i))).UTC()
	}
	return time.Time{}
}

func (c columns) timeOrNil(name string, i int) *time.Time {
	if c.arrays[name].IsNull(i) {
		return nil
	}
	t := c.time(name, i)
	return &t
}

func (c columns) texts(name string, i int) []string {
	return listOf(c, name, i, func(values arrow.Array, j int) string {
		if values.IsNull(j) {
			return ""
		}
		return values.(*array.String).Value(j)
	})
}

func listOf[T any](c columns, name string, i int, element func(arrow.Array, int) T) []T {
	list := c.arrays[name].(*array.List)
	if list.IsNull(i) {
		return nil
	}
	from, to := list.ValueOffsets(i)
	if from == to {
		return nil
	}
	all := make([]T, 0, to-from)
	for j := from; j < to; j++ {
		all = append(all, element(list.ListValues(), int(j)))
	}
	return all
}

func structsOf[T any](c columns, name string, i int, element func(columns, int) T) []T {
	return listOf(c, name, i, func(_ arrow.Array, j int) T { return element(c.structs[name], j) })
}

// lead reads row i of marts.leads; its source records come from records.
func (c columns) lead(i int) leadlake.CanonicalLead {
	l := leadlake.CanonicalLead{
		LeadID:     c.text("lead_id", i),
		CampaignID: c.text("campaign_id", i),
		RunID:      c.text("run_id", i),
		Name:       c.text("name", i),
		LegalEntity: leadlake.LegalEntity{
			Name:           c.text("legal_name", i),
			AltNames:       c.texts("alt_names", i),
			RegistrationID: c.textOrNil("registration_id", i),
			Jurisdictions:  c.texts("jurisdictions", i),
		},
		Brand:    leadlake.Brand{Name: c.textOrNil("brand_name", i)},
		Vertical: leadlake.Vertical(c.text("vertical", i)),
		Website:  c.textOrNil("website", i),
		Domains:  c.texts("domains", i),
		Emails:   structsOf(c, "emails", i, columns.email),
		Phones:   structsOf(c, "phones", i, columns.phone),
		Social: leadlake.Social{
			LinkedIn:  c.textOrNil("linkedin", i),
			Twitter:   c.textOrNil("twitter", i),
			Facebook:  c.textOrNil("facebook", i),
			Instagram: c.textOrNil("instagram", i),
		},
		Firmographics: leadlake.Firmographics{
			EmployeesRange: c.textOrNil("employees_range", i),
			RevenueRange:   c.textOrNil("revenue_range", i),
			FoundedYear:    c.wholeOrNil("founded_year", i),
		},
		TechSignals: c.texts("tech_signals", i),
		Reviews: leadlake.Reviews{
			Count:          c.whole("review_count", i),
			Rating:         c.numberOrNil("rating", i),
			LastReviewedAt: c.timeOrNil("last_reviewed_at", i),
		},
		Hours:             structsOf(c, "hours", i, columns.hour),
		Tags:              c.texts("tags", i),
		LeadScore:         c.wholeOrNil("lead_score", i),
		PriorityTier:      leadlake.Tier(c.text("tier", i)),
		ScoreExplanations: c.texts("score_explanations", i),
		ScoreModel:        c.text("score_model", i),
		Sources:           c.texts("sources", i),
		Provenance:        structsOf(c, "provenance", i, columns.provenance),
		LosingValues:      structsOf(c, "losing_values", i, columns.losing),
		CreatedAt:         c.time("created_at", i),
		UpdatedAt:         c.time("updated_at", i),
	}
	address := leadlake.Address{
		Line1:   c.text("line1", i),
		Line2:   c.textOrNil("line2", i),
		City:    c.text("city", i),
		Region:  c.text("region", i),
		Postal:  c.text("postal", i),
		Country: c.text("country", i),
	}
	if address != (leadlake.Address{}) {
		l.Address = &address
	}
	if lat, lon := c.numberOrNil("lat", i), c.numberOrNil("lon", i); lat != nil && lon != nil {
		l.Geo = &leadlake.Geo{Lat: *lat, Lon: *lon}
	}
	return l
}

func (c columns) email(i int) leadlake.Email {
	return leadlake.Email{
		Value:    c.text("value", i),
		Type:     c.text("type", i),
		Verified: c.flagOrNil("verified", i),
		Provider: c.textOrNil("provider", i),
	}
}

func (c columns) phone(i int) leadlake.Phone {
	return leadlake.Phone{Value: c.text("value", i), Type: c.text("type", i), Provider: c.textOrNil("provider", i)}
}

func (c columns) hour(i int) leadlake.BusinessHour {
	return leadlake.BusinessHour{DOW: int(c.whole("dow", i)), Open: c.text("open", i), Close: c.text("close", i)}
}

func (c columns) provenance(i int) leadlake.ProvenanceEntry {
	return leadlake.ProvenanceEntry{
		Field:       c.text("field", i),
		Provider:    c.text("provider", i),
		ProviderKey: c.text("provider_key", i),
		Confidence:  c.number("confidence", i),
		Note:        c.text("note", i),
	}
}

func (c columns) losing(i int) leadlake.LosingValue {
	return leadlake.LosingValue{
		Field:       c.text("field", i),
		Value:       c.text("value", i),
		Provider:    c.text("provider", i),
		ProviderKey: c.text("provider_key", i),
		Confidence:  c.number("confidence", i),
	}
}

func (c columns) record(i int) leadlake.SourceRecord {
	return leadlake.SourceRecord{
		Provider:    c.text("provider", i),
		ProviderKey: c.text("provider_key", i),
		Hash:        c.text("hash", i),
		FetchedAt:   c.time("fetched_at", i),
	}
}
