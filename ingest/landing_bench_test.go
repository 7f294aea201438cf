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
