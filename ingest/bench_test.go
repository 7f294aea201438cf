package ingest_test

import (
	"testing"

	"github.com/leadlake/leadlake"
)

// BenchmarkRun lands a real list of 1.65 million rows: read, hashed, written
// and committed.
func BenchmarkRun(b *testing.B) {
	const path = "../../shared/data/wof/us_venues.parquet"
	if !fileExists(path) {
		b.Skip("shared data folder absent")
	}
	rows := int64(0)
	for b.Loop() {
		bundle := setup(b)
		s, err := bundle.engine.Run(b.Context(), run(leadlake.SourceSpec{Source: "list", Path: path}), nil)
		if err != nil {
			b.Fatal(err)
		}
		rows += s.Records + s.Quarantined
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
}
