package salesforce

import (
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/serve/deliver"
)

// maxURL keeps a query below the 16 kB that Salesforce reads of an address and
// its headers.
const maxURL = 12_000

// stampForm is how the REST API prints an instant.
const stampForm = "2006-01-02T15:04:05.000-0700"

var stampText = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d{4}$`)

// Probe reads rows back by the external id, in as many queries as their keys
// need.
func (d *Destination) Probe(s deliver.Session, rows []deliver.Row) ([]deliver.Found, error) {
	names := map[string]bool{}
	at := map[string][]int{} // by the key in lower case: Salesforce does not heed it
	for i, r := range rows {
		for name := range r.Fields {
			names[name] = true
		}
		at[strings.ToLower(r.Key)] = append(at[strings.ToLower(r.Key)], i)
	}
	columns := []string{"Id", d.cfg.KeyField, "SystemModstamp"}
	if d.cfg.Object == "Lead" {
		columns = append(columns, "IsConverted")
	}
	for name := range names {
		if !slices.Contains(columns, name) {
			columns = append(columns, name)
		}
	}
	slices.Sort(columns[len(columns)-len(names):])
	columns = slices.Compact(columns)
	out := make([]deliver.Found, len(rows))
	head := "SELECT " + strings.Join(columns, ",") + " FROM " + d.cfg.Object + " WHERE " + d.cfg.KeyField + " IN ("
	for part := range literals(rows, maxURL-len(url.QueryEscape(head))) {
		records, err := d.all(s, head+part+")")
		if err != nil {
			return nil, err
		}
		for _, rec := range records {
			for _, i := range at[strings.ToLower(rec.Get(d.cfg.KeyField).String())] {
				if out[i].Matches++; out[i].Matches == 1 {
					out[i] = d.found(rec, rows[i].Fields)
				}
			}
		}
	}
	return out, nil
}

// literals gives the keys as lists of literals that fit into an address.
func literals(rows []deliver.Row, room int) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		var list []string
		size := 0
		for _, r := range rows {
			one := quote(r.Key)
			n := len(url.QueryEscape(one)) + 3
			if size+n > room && len(list) > 0 {
				if !yield(strings.Join(list, ",")) {
					return
				}
				list, size = nil, 0
			}
			list, size = append(list, one), size+n
		}
		if len(list) > 0 {
			yield(strings.Join(list, ","))
		}
	}
}

var quoting = strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`, "\r", `\r`, "\t", `\t`)

// quote makes a text a literal of SOQL.
func quote(text string) string { return "'" + quoting.Replace(text) + "'" }

// found reads a record, in the form in which we would write its fields.
func (d *Destination) found(rec gjson.Result, fields deliver.Payload) deliver.Found {
	out := deliver.Found{Matches: 1, ID: rec.Get("Id").String(), Fields: deliver.Payload{}, ChangedAt: stamp(rec.Get("SystemModstamp").String())}
	if rec.Get("IsConverted").Bool() {
		out.Gone = "converted"
	}
	for name := range fields {
		v := rec.Get(name)
		if v.Type == gjson.String && stampText.MatchString(v.Str) {
			out.Fields[name] = deliver.Value(stamp(v.Str).Format(time.RFC3339))
			continue
		}
		out.Fields[name] = json.RawMessage(v.Raw)
		if !v.Exists() {
			out.Fields[name] = json.RawMessage("null")
		}
	}
	return out
}

func stamp(text string) time.Time {
	t, err := time.Parse(stampForm, text)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// all reads a query to its end.
func (d *Destination) all(s deliver.Session, soql string) ([]gjson.Result, error) {
	next := d.data("/query?q=" + url.QueryEscape(soql))
	var out []gjson.Result
	for next != "" {
		resp, err := s.Call(deliver.Request{URL: next, Endpoint: query})
		if err != nil {
			return nil, err
		}
		if !resp.OK() {
			return nil, d.wrong("query "+d.cfg.Object, resp).WithFix("check that our user may read the fields of the mapping")
		}
		page := gjson.ParseBytes(resp.Body)
		if !page.Get("records").IsArray() {
			return nil, leadlake.Errorf(leadlake.Unavailable, "salesforce: query %s: the answer has no records", d.cfg.Object)
		}
		out = append(out, page.Get("records").Array()...)
		if next = page.Get("nextRecordsUrl").String(); page.Get("done").Bool() {
			next = ""
		}
	}
	return out, nil
}
