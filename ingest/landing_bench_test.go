package ingest_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/ingest"
)

// memory is a provider whose pages are in memory: a thousand businesses each,
// the largest page of any provider that we know (Crunchbase).
type memory struct{ page []byte }

const (
	memoryRows  = 1000
	memoryPages = 400
)

func newMemory() memory {
	var b bytes.Buffer
	b.WriteString(`{"rows":[`)
	for i := range memoryRows {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":"b-%06d","name":"Ace Plumbing %d","phone":"+1 303-555-%04d","website":"https://ace-%d.example","street":"%d Example St","city":"Denver","state":"CO","zip":"80202","rating":4.5,"reviews":%d}`, i, i, i%10_000, i, i, i)
	}
	b.WriteString(`]}`)
	return memory{b.Bytes()}
}

func (m memory) Do(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(m.page))}, nil
}

func (m memory) Spec() ingest.Spec {
	return ingest.Spec{Name: "memory", Licence: "test", BaseURL: "https://memory.example", CostMicrosPerCall: 1}
}

func (m memory) Plan(_ leadlake.CampaignSpec, src leadlake.SourceSpec) (queries []ingest.Query, err error) {
	for i := range memoryPages {
		params := map[string]string{"part": strconv.Itoa(i)}
		queries = append(queries, ingest.Query{ID: ingest.QueryID("memory", params), Provider: src.Provider(), Params: params, EstimatedCalls: 1})
	}
	return queries, nil
}

func (m memory) Request(q ingest.Query, cursor string) (ingest.Request, error) {
	return ingest.Request{URL: "/" + q.Params["part"] + "/" + cursor, CostMicros: 1}, nil
}

func (m memory) Parse(q ingest.Query, resp ingest.Response, emit func(ingest.Record) error) (ingest.Page, error) {
	answer, err := ingest.ReadJSON(q, resp)
	if err != nil {
		return ingest.Page{}, err
	}
	rows := ingest.Rows{Key: "id", Known: strings.Fields("id name phone website street city state zip rating reviews")}
	for _, row := range answer.Get("rows").Array() {
		if err := emit(rows.Record(row)); err != nil {
			return ingest.Page{}, err
		}
	}
	return ingest.Page{Unknown: rows.Unknown()}, nil
}

// BenchmarkLanding lands pages that a provider gave: parsed, hashed, written,
// recorded and committed. Each page is durable before the next is asked for.
func BenchmarkLanding(b *testing.B) {
	rows := int64(0)
	for b.Loop() {
		bundle := setup(b)
		m := newMemory()
		bundle.engine.Sources, bundle.engine.HTTP, bundle.engine.Parallel = []ingest.Source{m}, m, 8
		s, err := bundle.engine.Run(b.Context(), run(leadlake.SourceSpec{Source: "memory"}), nil)
		if err != nil {
			b.Fatal(err)
		}
		rows += s.Records
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
}

// one is a source that answers about a lead with one record. The answer comes
// at once, so that what is measured is ours.
type one struct{ memory }

func (one) Lookup(s ingest.Subject) []ingest.Query {
	params := map[string]string{"part": s.Domain}
	return []ingest.Query{{ID: ingest.QueryID("memory", params), Provider: "memory", Params: params, EstimatedCalls: 1}}
}

func (o one) Spec() ingest.Spec {
	s := o.memory.Spec()
	s.Gives = []ingest.Gift{{Field: ingest.FieldPhone, HitRate: 0.5}}
	return s
}

// BenchmarkEnrich asks about a thousand leads. Each answer is paid for: the
// call is on the disk before it is made, and its answer before the next is.
func BenchmarkEnrich(b *testing.B) {
	const answers = 1000
	for b.Loop() {
		bundle := setup(b)
		m := one{memory{[]byte(`{"rows":[{"id":"b-1","name":"Ace Plumbing","phone":"+1 303-555-0101","website":"https://ace.example"}]}`)}}
		bundle.engine.Sources, bundle.engine.HTTP, bundle.engine.Parallel = []ingest.Source{m}, m, 8
		r := run()
		r.Spec.Enrichment = []string{"memory"}
		leads := make([]ingest.Lead, answers)
		for i := range leads {
			leads[i].Subject = ingest.Subject{Provider: "list", Key: strconv.Itoa(i), Domain: fmt.Sprintf("d%d.example", i)}
		}
		s, err := bundle.engine.Enrich(b.Context(), r, leads, nil)
		if err != nil || s.Records != answers {
			b.Fatalf("%d records, error %v", s.Records, err)
		}
	}
	b.ReportMetric(b.Elapsed().Seconds()*1000/float64(b.N*answers), "ms/answer")
}
