package ingest

import (
	"slices"

	"github.com/leadlake/leadlake"
)

// Progress is how far one source of a run has come.
type Progress struct {
	Provider      string
	Pages         int
	Rows          int64 // records and quarantined rows
	RowsPerSecond float64
	CostMicros    int64
}

// Summary is what a run has landed, earlier attempts included.
type Summary struct {
	Sources     []SourceSummary `json:"sources"`
	Records     int64           `json:"records"`
	Quarantined int64           `json:"quarantined"`
	CostMicros  int64           `json:"cost_micros"`
	Stopped     string          `json:"stopped,omitempty"` // why the run ended early with what it has: the budget
}

// SourceSummary is the part of one source.
type SourceSummary struct {
	Provider    string   `json:"provider"`
	Adapter     string   `json:"adapter"`
	Queries     int      `json:"queries"`
	Pages       int      `json:"pages"`
	Records     int64    `json:"records"`
	Quarantined int64    `json:"quarantined"`
	CostMicros  int64    `json:"cost_micros"`
	Capped      int      `json:"capped,omitempty"`  // searches that the provider cut off though they cannot be cut smaller: there is more
	Misses      int      `json:"misses,omitempty"`  // lookups that brought nothing
	Erased      int      `json:"erased,omitempty"`  // lookups of people who asked not to be processed
	Stopped     string   `json:"stopped,omitempty"` // why the source was left alone though it did not fail: it brought too little
	Unknown     []string `json:"unknown,omitempty"` // fields that the adapter does not know: the provider's format has grown
	Failed      string   `json:"failed,omitempty"`  // why the source gave up; what it had landed before stays
}

// summarise counts the landed pages of some providers; lookups and discovery
// are apart.
func (r *running) summarise(sources []asking) Summary {
	var s Summary
	pages := r.pages()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range sources {
		one := SourceSummary{Provider: p.provider, Adapter: p.adapter, Capped: r.capped[p.provider], Stopped: r.weak[p.provider]}
		if err := r.failed[p.provider]; err != nil {
			one.Failed = leadlake.ErrorMessage(err)
		}
		queries := map[string]bool{}
		for _, page := range pages {
			if page.Provider != p.provider || !r.asked[page.QueryID] {
				continue
			}
			queries[page.QueryID] = true
			one.Pages++
			one.Records += page.Records
			one.Quarantined += page.Quarantined
			one.CostMicros += page.CostMicros
			switch {
			case page.Notes.Erased:
				one.Erased++
			case page.Notes.Miss:
				one.Misses++
			}
			for _, name := range page.Notes.Unknown {
				if !slices.Contains(one.Unknown, name) {
					one.Unknown = append(one.Unknown, name)
				}
			}
		}
		slices.Sort(one.Unknown)
		one.Queries = len(queries)
		s.Sources = append(s.Sources, one)
		s.Records += one.Records
		s.Quarantined += one.Quarantined
		s.CostMicros += one.CostMicros
	}
	if r.stop != nil {
		s.Stopped = leadlake.ErrorMessage(r.stop)
	}
	return s
}
