package sandbox

import (
	"cmp"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/leadlake/leadlake/internal/sandbox/world"
)

// The index finds what looking at every listing finds.
func TestIndex_finds_what_a_full_scan_finds(t *testing.T) {
	t.Parallel()
	w, err := world.New(world.Config{})
	if err != nil {
		t.Fatal(err)
	}
	x := newIndex(w, world.GooglePlaces)
	r := rand.New(rand.NewPCG(1, 2))
	for _, text := range []string{"plumber", "plumbers drain", "real estate", "summit", "mile high coffee", "zeppelin", "o'dell & sons", ""} {
		for range 12 {
			words := tokens(text)
			south, west := 39.3+r.Float64()*0.8, -105.5+r.Float64()
			area := &world.Box{South: south, West: west, North: south + r.Float64()*0.3, East: west + r.Float64()*0.3}
			switch r.IntN(4) {
			case 0:
				area = nil
			case 1: // round the world the other way
				area.West, area.East = area.East, area.West
			}
			want := map[int32]float64{}
			for i := range x.all {
				l := &x.all[i]
				if score := relevance(l, words); score > 0 && (area == nil || area.Contains(l.Lat, l.Lon)) {
					want[int32(i)] = score
				}
			}
			last, n := int32(-1), 0
			x.words(words, area, func(i int32, score float64) {
				if want[i] != score || i <= last {
					t.Errorf("%q in %v: listing %d with %g after %d, want %g", text, area, i, score, last, want[i])
				}
				last = i
				n++
			})
			if n != len(want) {
				t.Errorf("%q in %v: %d listings, want %d", text, area, n, len(want))
			}
		}
	}
}

func TestBest_keeps_what_a_sort_puts_first(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{0, 1, 59, 60, 61, 5000} {
		b := best{keep: 60}
		var all []ranked
		for i := range n {
			all = append(all, ranked{int32(i), float64(r.IntN(50))}) // with many ties
			b.offer(int32(i), all[i].weight)
		}
		b.cut()
		slices.SortStableFunc(all, func(x, y ranked) int { return cmp.Compare(y.weight, x.weight) })
		if !slices.Equal(b.ranks, all[:min(n, 60)]) || b.seen != n {
			t.Errorf("of %d: %v", n, b.ranks)
		}
	}
}

func TestGoogle_refuses_three_keys(t *testing.T) {
	t.Parallel()
	base, _ := start(t)
	for key, want := range map[string]struct {
		status int
		word   string
	}{
		"invalid":    {http.StatusBadRequest, "API_KEY_INVALID"},
		"nocredit":   {http.StatusTooManyRequests, "PerDayPerProject"},
		"nocontract": {http.StatusForbidden, "BILLING_DISABLED"},
	} {
		status, text := call(t, base+"/google_places/v1/places:searchText", "places.id", plumbers, "X-Goog-Api-Key", key)
		if status != want.status || !strings.Contains(text, want.word) {
			t.Errorf("%s: %d %s", key, status, text)
		}
	}
}
