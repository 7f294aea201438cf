// Package list reads businesses from a file that the user has: CSV, TSV, JSON
// lines or Parquet. Each row becomes one record whose raw JSON has the same
// keys whatever the columns of the file are called; columns without a meaning
// are kept below "other".
package list

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/ingest"
)

// Source reads lists. The zero value is ready.
type Source struct{}

var _ ingest.Discoverer = Source{}

// Spec describes the source: a file costs nothing and needs no key.
func (Source) Spec() ingest.Spec {
	return ingest.Spec{
		Name:           "list",
		Licence:        "user_list",
		MaxPages:       1,
		PersonalFields: []string{"phone", "email", "linkedin", "facebook", "twitter", "instagram", "other"},
	}
}

// params has one entry, so that a query is the whole source specification.
const specParam = "spec"

// Plan makes one query: a file is one page, however long.
func (Source) Plan(_ leadlake.CampaignSpec, src leadlake.SourceSpec) ([]ingest.Query, error) {
	if err := checkSpec(src); err != nil {
		return nil, err
	}
	spec, err := json.Marshal(src)
	if err != nil {
		return nil, fmt.Errorf("plan list %s: %w", src.Path, err)
	}
	params := map[string]string{specParam: string(spec)}
	return []ingest.Query{{
		ID:             ingest.QueryID(src.Provider(), params),
		Provider:       src.Provider(),
		Params:         params,
		EstimatedCalls: 1,
	}}, nil
}

// checkSpec finds what is wrong before the file is opened.
func checkSpec(src leadlake.SourceSpec) error {
	if src.Path == "" {
		return leadlake.Errorf(leadlake.Invalid, "list %s: no file is given", src.Provider()).
			WithFix("add path: followed by the file")
	}
	if src.Format != "" && !slices.Contains(formats, src.Format) {
		return leadlake.Errorf(leadlake.Invalid, "list %s: format %q is unknown", src.Path, src.Format).
			WithFix("use one of %s", strings.Join(formats, ", "))
	}
	if _, err := lookupEncoding(src.Encoding); err != nil {
		return leadlake.Errorf(leadlake.Invalid, "list %s: %w", src.Path, err).
			WithFix("use one of %s, or leave it out", strings.Join(encodingNames, ", "))
	}
	for _, part := range []struct {
		name   string
		values map[string]string
	}{{"mapping", src.Mapping}, {"defaults", src.Defaults}} {
		for _, name := range sortedKeys(part.values) {
			if !isField(name) {
				return leadlake.Errorf(leadlake.Invalid, "list %s: %s has the unknown field %q", src.Path, part.name, name).
					WithFix("%suse one of %s", didYouMean(name, fieldNames()), strings.Join(fieldNames(), ", "))
			}
		}
	}
	if _, ok := src.Defaults[keyField]; ok {
		return leadlake.Errorf(leadlake.Invalid, "list %s: defaults give every row the same key", src.Path).
			WithFix("remove key from defaults")
	}
	return nil
}

// Request asks for the file.
func (Source) Request(q ingest.Query, _ string) (ingest.Request, error) {
	src, err := specOf(q)
	if err != nil {
		return ingest.Request{}, err
	}
	return ingest.Request{URL: ingest.FileURL(src.Path)}, nil
}

// Parse reads the file from start to end. The order of records is the order
// of rows.
func (Source) Parse(q ingest.Query, resp ingest.Response, emit func(ingest.Record) error) (ingest.Page, error) {
	src, err := specOf(q)
	if err != nil {
		return ingest.Page{}, err
	}
	in, ok := resp.Body.(file)
	if !ok {
		return ingest.Page{}, leadlake.Errorf(leadlake.Internal, "read list %s: the body is a %T, not a file", resp.Name, resp.Body)
	}
	size, err := in.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = in.Seek(0, io.SeekStart)
	}
	if err != nil {
		return ingest.Page{}, leadlake.Errorf(leadlake.Unavailable, "read list %s: %w", resp.Name, err)
	}
	if size == 0 {
		return ingest.Page{}, leadlake.Errorf(leadlake.Invalid, "list %s: the file is empty", resp.Name).
			WithFix("export it again, or give another path")
	}
	t := &table{file: resp.Name, src: src, emit: emit}
	format, err := t.format(in)
	if err != nil {
		return ingest.Page{}, err
	}
	switch format {
	case formatParquet:
		err = t.readParquet(in)
	case formatJSONL:
		err = t.readJSONL(in)
	default:
		err = t.readCSV(in, format)
	}
	if err != nil {
		return ingest.Page{}, err
	}
	return ingest.Page{}, t.finish()
}

func specOf(q ingest.Query) (leadlake.SourceSpec, error) {
	var src leadlake.SourceSpec
	if err := json.Unmarshal([]byte(q.Params[specParam]), &src); err != nil {
		return src, leadlake.Errorf(leadlake.Internal, "query %s of a list: %w", q.ID, err)
	}
	return src, checkSpec(src)
}

// file is what the engine opens for a list.
type file interface {
	io.Reader
	io.ReaderAt
	io.Seeker
}
