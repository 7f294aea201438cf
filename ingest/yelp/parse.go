package yelp

import (
	"strings"

	"github.com/tidwall/gjson"

	"github.com/leadlake/leadlake/ingest"
)

// rows says what a business looks like, in a search and in its details.
func rows() *ingest.Rows {
	return &ingest.Rows{
		Key:      "id",
		Required: map[string]gjson.Type{"name": gjson.String},
		Typed: map[string]gjson.Type{
			"phone": gjson.String, "is_closed": gjson.True, "rating": gjson.Number, "review_count": gjson.Number,
			"location": gjson.JSON, "coordinates": gjson.JSON, "categories": gjson.JSON, "url": gjson.String,
		},
		Known: []string{
			"id", "alias", "name", "image_url", "is_claimed", "is_closed", "url", "review_count", "categories", "rating",
			"coordinates", "transactions", "price", "location", "phone", "display_phone", "distance", "attributes",
			"business_hours", "hours", "photos", "cross_streets", "special_hours", "messaging", "date_opened",
			"date_closed", "rapc", "yelp_menu_url",
		},
	}
}

// Parse reads a page of a search, the answer to a lookup, or the details of
// the business that a match found.
func (Source) Parse(q ingest.Query, resp ingest.Response, emit func(ingest.Record) error) (ingest.Page, error) {
	answer, err := ingest.ReadJSON(q, resp)
	if err != nil {
		return ingest.Page{}, err
	}
	found := answer.Get("businesses").Array()
	if !answer.Get("businesses").IsArray() {
		found = nil
	}
	var page ingest.Page
	lookup := q.Params["method"] == phone || q.Params["method"] == match
	switch q.Params["method"] {
	case phone:
		found = about(found, q.Params["postal"])
	case match:
		switch {
		case answer.Get("id").Exists():
			found = []gjson.Result{answer}
		case len(found) > 0 && !found[0].Get("review_count").Exists():
			return ingest.Page{Next: found[0].Get("id").String()}, nil
		case len(found) > 1:
			found = found[:1] // the best match is the first
		}
	default:
		page.Total = answer.Get("total").Int()
		page.Next = after(len(found), page.Total)
	}
	known := rows()
	for _, row := range found {
		r := known.Record(row)
		r.Point = pointOf(row)
		if lookup && r.Problem == nil {
			r.Gives = gives(row)
		}
		if err := emit(r); err != nil {
			return ingest.Page{}, err
		}
	}
	page.Unknown = known.Unknown()
	return page, nil
}

// about keeps the business that a lookup by telephone is about. The branches
// of a chain may share a number; then the postal code has to tell which one it
// is, and where it does not, none is better than the wrong one.
func about(found []gjson.Result, postal string) []gjson.Result {
	if len(found) < 2 {
		return found
	}
	var same []gjson.Result
	for _, row := range found {
		if p := fivesOf(postal); p != "" && fivesOf(row.Get("location.zip_code").String()) == p {
			same = append(same, row)
		}
	}
	if len(same) != 1 {
		return nil
	}
	return same
}

// fivesOf is a postal code without the tail of a ZIP+4 code.
func fivesOf(postal string) string {
	head, _, _ := strings.Cut(strings.ToUpper(strings.TrimSpace(postal)), "-")
	return strings.ReplaceAll(head, " ", "")
}

func pointOf(row gjson.Result) *ingest.Point {
	lat, lon := row.Get("coordinates.latitude"), row.Get("coordinates.longitude")
	if lat.Type != gjson.Number || lon.Type != gjson.Number {
		return nil
	}
	return &ingest.Point{Lat: lat.Num, Lon: lon.Num}
}

func gives(row gjson.Result) []ingest.Field {
	var fields []ingest.Field
	if row.Get("review_count").Int() > 0 {
		fields = append(fields, ingest.FieldReviews)
	}
	if row.Get("categories.0.title").String() != "" {
		fields = append(fields, ingest.FieldCategory)
	}
	return fields
}
