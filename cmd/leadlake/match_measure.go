package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"syscall"
	"time"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/transforms"
)

// measured is how long single records take.
type measured struct {
	Records    int64   `json:"records"` // in the index
	Requests   int     `json:"requests"`
	P50        float64 `json:"p50_ms"`
	P99        float64 `json:"p99_ms"`
	Worst      float64 `json:"worst_ms"`
	CPU        float64 `json:"cpu_ms"`       // of the process, a request
	CPU99      float64 `json:"cpu_p99_ms"`   // which a busy machine does not change much
	Compared   float64 `json:"compared"`     // records, a request
	Found      float64 `json:"found"`        // share of the records whose own lead came first
	PeakMiB    int64   `json:"peak_mib"`     // of the process
	StartupSec float64 `json:"startup_secs"` // until the first request could be answered
}

// measureMatches matches records of the index itself, one at a time.
func (a *app) measureMatches(ctx context.Context, m *transforms.Matcher, n int, o transforms.MatchOptions) error {
	began := time.Now()
	if err := m.Warm(ctx); err != nil {
		return err
	}
	r := measured{Records: m.Records(), StartupSec: time.Since(began).Seconds()}
	sample, leads, err := m.Sample(n)
	if err != nil {
		return err
	}
	if len(sample) == 0 {
		return leadlake.Errorf(leadlake.NotFound, "the index has no records to measure with")
	}
	took, used := make([]time.Duration, 0, len(sample)), make([]time.Duration, 0, len(sample))
	cpu := cpuTime()
	for i, g := range sample {
		start, before := time.Now(), cpuTime()
		results, err := m.Match(ctx, []leadlake.MatchRecord{g}, o)
		if err != nil {
			return err
		}
		took, used = append(took, time.Since(start)), append(used, cpuTime()-before)
		r.Compared += float64(results[0].Compared) / float64(len(sample))
		if c := results[0].Candidates; len(c) > 0 && c[0].LeadID == leads[i] {
			r.Found += 1 / float64(len(sample))
		}
		a.out.progress("match      %d of %d", i+1, len(sample))
	}
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	r.CPU = ms(cpuTime()-cpu) / float64(len(sample))
	slices.Sort(took)
	slices.Sort(used)
	r.CPU99 = ms(used[(len(used)-1)*99/100])
	r.Requests, r.PeakMiB = len(took), peakMiB()
	r.P50, r.P99, r.Worst = ms(took[len(took)/2]), ms(took[(len(took)-1)*99/100]), ms(took[len(took)-1])
	return a.out.result(r, func(w io.Writer) {
		fmt.Fprintf(w, "%d requests against %s records: p50 %.1f ms, p99 %.1f ms, worst %.1f ms, %.1f ms of CPU each (p99 %.1f); %.0f records compared each, own lead first for %.1f%%; %d MiB\n",
			r.Requests, count(r.Records), r.P50, r.P99, r.Worst, r.CPU, r.CPU99, r.Compared, 100*r.Found, r.PeakMiB)
	})
}

// cpuTime is what this process has used so far.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
