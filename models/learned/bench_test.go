package learned

import "testing"

// BenchmarkScorer is the price of points and reasons, without the model's own.
func BenchmarkScorer(b *testing.B) {
	s := scorer(b, 1)
	in := leads(10_000, 2)
	defer in.Release()
	for b.Loop() {
		out, err := s.Score(b.Context(), in)
		if err != nil {
			b.Fatal(err)
		}
		out.Release()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/10_000, "ns/lead")
}
