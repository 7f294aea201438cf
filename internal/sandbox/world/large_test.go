package world

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"
)

func TestNew_a_hundred_thousand_businesses_differ(t *testing.T) {
	t.Parallel()
	w := generate(t, Config{Size: 100_000})
	owner := map[string]string{}
	codes := map[string]bool{}
	for i := range w.Businesses {
		b := &w.Businesses[i]
		codes[b.Phone[:3]] = true
		if b.Phone[3:6] != "555" {
			t.Errorf("%s has the number %s outside the fictional exchange", b.ID, b.Phone)
		}
		if b.Chain != "" {
			continue
		}
		for _, id := range []string{b.Name, b.Phone, trackingPhone(b), b.Domain, b.Company.RegistryNumber} {
			if other := owner[id]; id != "" && other != "" {
				t.Errorf("%s and %s share %q", other, b.ID, id)
			}
			owner[id] = b.ID
		}
	}
	for code := range codes {
		n, err := phonenumbers.Parse(code+"5550123", "US")
		if err != nil || !phonenumbers.IsValidNumber(n) {
			t.Errorf("area code %s: %v", code, err)
		}
	}
}

// BenchmarkNew_hundred_thousand measures a large world: -benchtime 1x. The
// memory is what the process holds once the world exists, and once every
// provider was asked.
func BenchmarkNew_hundred_thousand(b *testing.B) {
	for b.Loop() {
		w, err := New(Config{Size: 100_000})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(resident(b), "MB-start")
		n := 0
		for _, p := range printers {
			n += len(w.Listings(p.provider))
		}
		b.ReportMetric(float64(n), "listings")
		b.ReportMetric(resident(b), "MB-all")
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(m.HeapAlloc>>20), "MB-live")
		runtime.KeepAlive(w)
	}
}

// resident is the memory of this process in MB; 0 where the system does not
// tell.
func resident(b *testing.B) float64 {
	b.Helper()
	text, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kB, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kB / 1024
		}
	}
	return 0
}
