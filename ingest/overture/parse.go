package overture

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"

	"github.com/tidwall/gjson"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/ingest"
)

// maxRow is more than a place can be.
const maxRow = 16 << 20

// known are the columns of a place, in the releases of 2024 to 2026.
var known = []string{
	"id", "bbox", "version", "sources", "names", "categories", "basic_category", "taxonomy", "confidence", "websites", "socials",
	"emails", "phones", "brand", "addresses", "operating_status", "theme", "type", "update_time", "filename",
}

// Parse reads the rows that DuckDB gave, a line of JSON each. The last id of a
// full page leads to the next.
func (Source) Parse(q ingest.Query, resp ingest.Response, emit func(ingest.Record) error) (ingest.Page, error) {
	rows := ingest.Rows{
		Key: "id",
		Typed: map[string]gjson.Type{
			"id": gjson.String, "names": gjson.JSON, "addresses": gjson.JSON, "bbox": gjson.JSON, "categories": gjson.JSON,
		},
		Known: known,
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, maxRow)
	count, last := 0, ""
	for lines.Scan() {
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		if !json.Valid(line) {
			return ingest.Page{}, ingest.NotJSON(q, line)
		}
		count++
		row := gjson.ParseBytes(line)
		if key := row.Get("key"); key.Type == gjson.String {
			last = key.Str
		}
		if err := emit(rows.Record(placeOf(row))); err != nil {
			return ingest.Page{}, err
		}
	}
	if err := lines.Err(); err != nil {
		code := leadlake.Unavailable
		if errors.Is(err, bufio.ErrTooLong) {
			code = leadlake.Invalid
		}
		return ingest.Page{}, leadlake.Errorf(code, "read the rows of %s: %w", q.Provider, err)
	}
	page := ingest.Page{Unknown: rows.Unknown()}
	if count >= pageSize {
		page.Next = last
	}
	return page, nil
}

// placeOf is the place in a row: the object under raw, or the text of one. A
// row without it is handed on whole, for quarantine.
func placeOf(row gjson.Result) gjson.Result {
	raw := row.Get("raw")
	switch {
	case raw.Type == gjson.String && json.Valid([]byte(raw.Str)):
		return gjson.Parse(raw.Str)
	case raw.Exists() && raw.Raw != "":
		return raw
	}
	return row
}
