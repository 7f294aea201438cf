package googleplaces

import (
	"strings"

	"github.com/tidwall/gjson"

	"github.com/leadlake/leadlake/ingest"
)

// Parse reads an answer. Each place is a record under its id, as it was given;
// an answer without places is the end of a query.
func (Source) Parse(q ingest.Query, resp ingest.Response, emit func(ingest.Record) error) (ingest.Page, error) {
	answer, err := ingest.ReadJSON(q, resp)
	if err != nil {
		return ingest.Page{}, err
	}
	rows := ingest.Rows{
		Key:      "id",
		Required: map[string]gjson.Type{"id": gjson.String},
		Typed: map[string]gjson.Type{
			"displayName.text": gjson.String, "location.latitude": gjson.Number, "location.longitude": gjson.Number,
			"nationalPhoneNumber": gjson.String, "internationalPhoneNumber": gjson.String, "websiteUri": gjson.String,
			"rating": gjson.Number, "userRatingCount": gjson.Number, "businessStatus": gjson.String,
		},
		Known: topLevel(),
	}
	lookup := q.Params["rows"] != ""
	err = each(q, answer, "places", func(place gjson.Result) error {
		r := rows.Record(place)
		if r.Problem == nil {
			r.Point = pointOf(place.Get("location.latitude"), place.Get("location.longitude"))
			if lookup {
				r.Gives = gives(place)
			}
		}
		return emit(r)
	})
	if err != nil {
		return ingest.Page{}, err
	}
	page := ingest.Page{Unknown: rows.Unknown()}
	if !lookup {
		page.Next = answer.Get("nextPageToken").String()
	}
	return page, nil
}

// topLevel are the fields of a place that are asked for.
func topLevel() []string {
	var names []string
	for _, f := range fields {
		name, _, _ := strings.Cut(f, ".")
		names = append(names, name)
	}
	return names
}

// each visits the rows of a list; an absent list has none.
func each(q ingest.Query, answer gjson.Result, list string, visit func(gjson.Result) error) error {
	rows := answer.Get(list)
	if rows.Type != gjson.Null && !rows.IsArray() {
		return ingest.NotJSON(q, []byte(answer.Raw))
	}
	var err error
	rows.ForEach(func(_, row gjson.Result) bool {
		err = visit(row)
		return err == nil
	})
	return err
}

// pointOf is nil for a business that has no place, such as one that only
// visits its customers.
func pointOf(lat, lon gjson.Result) *ingest.Point {
	if lat.Type != gjson.Number || lon.Type != gjson.Number {
		return nil
	}
	return &ingest.Point{Lat: lat.Num, Lon: lon.Num}
}

// gives lists what a place says of its business.
func gives(place gjson.Result) []ingest.Field {
	var out []ingest.Field
	for _, g := range []struct {
		field ingest.Field
		paths []string
	}{
		{ingest.FieldReviews, []string{"rating", "userRatingCount"}},
		{ingest.FieldPhone, []string{"internationalPhoneNumber", "nationalPhoneNumber"}},
		{ingest.FieldWebsite, []string{"websiteUri"}},
		{ingest.FieldHours, []string{"regularOpeningHours.periods.0"}},
		{ingest.FieldAddress, []string{"postalAddress.addressLines.0", "formattedAddress"}},
		{ingest.FieldGeo, []string{"location.latitude"}},
		{ingest.FieldCategory, []string{"primaryType"}},
	} {
		for _, path := range g.paths {
			if v := place.Get(path); v.Exists() && v.String() != "" {
				out = append(out, g.field)
				break
			}
		}
	}
	return out
}
