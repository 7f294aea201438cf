package googleplaces

import (
	"bytes"
	"encoding/json"
	"io"
	"unicode/utf8"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/ingest"
)

// answer is the part of a search's answer that is not a place. What it does
// not name is left out; what a place has and nobody asked for is kept.
type answer struct {
	Places        []json.RawMessage `json:"places"`
	NextPageToken string            `json:"nextPageToken"`
}

// Parse reads an answer. Each place is a record under its id, as it was given;
// an answer without places is the end of a query.
func (Source) Parse(q ingest.Query, resp ingest.Response, emit func(ingest.Record) error) (ingest.Page, error) {
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return ingest.Page{}, leadlake.Errorf(leadlake.Unavailable, "read the answer of %s: %w", q.Provider, err)
	}
	var a answer
	if err := json.Unmarshal(body, &a); err != nil {
		return ingest.Page{}, leadlake.Errorf(leadlake.Unavailable, "read the answer of %s: it is not the JSON of a search: %w", q.Provider, err).
			WithFix("run it again; if it stays, the provider's format has changed")
	}
	for _, place := range a.Places {
		if err := emit(record(place)); err != nil {
			return ingest.Page{}, err
		}
	}
	return ingest.Page{Next: a.NextPageToken}, nil
}

// record makes a place a record, or a row for quarantine where it has no id.
func record(place json.RawMessage) ingest.Record {
	r := ingest.Record{EntityKind: ingest.EntityBusiness, Raw: compact(place)}
	var identity struct {
		ID *string `json:"id"`
	}
	switch err := json.Unmarshal(place, &identity); {
	case !utf8.Valid(place):
		r.Problem = &ingest.Problem{Code: "bad_encoding", Reason: "the place is not valid UTF-8"}
	case err != nil:
		r.Problem = &ingest.Problem{Code: "not_a_place", Reason: "the place is not an object with a text as its id: " + err.Error()}
	case identity.ID == nil || *identity.ID == "":
		r.Problem = &ingest.Problem{Column: "id", Code: "missing_key", Reason: "the place has no id, which the field mask asks for"}
	default:
		r.Key = *identity.ID
	}
	return r
}

// compact drops the white space between tokens, so that the same place has the
// same hash however it was printed.
func compact(place json.RawMessage) []byte {
	var out bytes.Buffer
	if json.Compact(&out, place) != nil {
		return place
	}
	return out.Bytes()
}
