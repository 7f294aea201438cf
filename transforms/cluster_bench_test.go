package transforms

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"
)

// BenchmarkCluster clusters without a database: a clusterer streams made-up
// pairs twice. Businesses have one to six records whose pairs are mostly
// compared and match; near them are others whose pairs mostly do not. In the
// random graph every second pair of any two records matches.
func BenchmarkCluster(b *testing.B) {
	for _, bench := range []struct {
		name           string
		records, pairs int
		near           int // how far the records of a pair lie apart; 0 for any two
	}{
		{"businesses", 1_650_000, 3_400_000, 6},
		{"random", 10_000_000, 40_000_000, 0},
	} {
		b.Run(fmt.Sprintf("%s/records=%d/pairs=%d", bench.name, bench.records, bench.pairs), func(b *testing.B) {
			edges := func(fn func(weighedPair)) error {
				rng := rand.New(rand.NewPCG(1, 8))
				for range bench.pairs {
					l, r, weight := uint32(1+rng.IntN(bench.records)), uint32(0), 5*rng.NormFloat64()
					if bench.near == 0 {
						r = uint32(1 + rng.IntN(bench.records))
					} else {
						r = min(l+uint32(1+rng.IntN(bench.near)), uint32(bench.records))
						if business := uint32(bench.near); l/business == r/business {
							weight += 8
						} else {
							weight -= 12
						}
					}
					if l != r {
						fn(weighedPair{min(l, r), max(l, r), fixedWeight(weight)})
					}
				}
				return nil
			}
			for b.Loop() {
				peak := watchHeap(b)
				c := newClusterer(int64(bench.records))
				if err := c.connect(nil, edges); err != nil {
					b.Fatal(err)
				}
				doubtful, err := c.doubtful(nil, edges)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(len(doubtful)), "doubtful")
				if err := c.solve(b.Context(), doubtful, oneBit); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(len(c.cutsOfPairs())), "cuts")
				b.ReportMetric(peak(), "MiB")
			}
		})
	}
}

// watchHeap returns a function that says how large the heap grew, in MiB.
func watchHeap(b *testing.B) func() float64 {
	b.Helper()
	runtime.GC()
	stop, highest := make(chan struct{}), make(chan uint64)
	go func() {
		var top uint64
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			top = max(top, m.HeapInuse)
			select {
			case <-stop:
				highest <- top
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	return func() float64 {
		close(stop)
		return float64(<-highest) / (1 << 20)
	}
}
