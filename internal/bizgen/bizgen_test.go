package main

import (
	"bytes"
	"crypto/sha256"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/parquet/file"
)

func TestBizgen_gives_the_same_file_for_a_seed(t *testing.T) {
	t.Parallel()
	sum := func(seed uint64) [32]byte {
		w := newWorld(seed, 3000)
		var out bytes.Buffer
		if err := w.write(&out, w.owners(3000)); err != nil {
			t.Fatal(err)
		}
		return sha256.Sum256(out.Bytes())
	}
	first := sum(1)
	if sum(1) != first {
		t.Error("two files of one seed differ")
	}
	if sum(2) == first {
		t.Error("the seed changes nothing")
	}
}

func TestBizgen_writes_what_leadlake_reads(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "records.parquet")
	if err := generate(path, groupRows+10, 1); err != nil {
		t.Fatal(err)
	}
	r, err := file.OpenParquetFile(path, false)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var columns []string
	for i := range r.MetaData().Schema.NumColumns() {
		columns = append(columns, r.MetaData().Schema.Column(i).Name())
	}
	want := strings.Fields("source source_key name street city region postal country lat lon phone website truth_id")
	if r.NumRows() != groupRows+10 || r.NumRowGroups() != 2 || !slices.Equal(columns, want) {
		t.Errorf("%d rows in %d groups with %v", r.NumRows(), r.NumRowGroups(), columns)
	}
	if _, err := os.Stat(path + ".partial"); err == nil {
		t.Error("the partial file is still there")
	}
}

func TestBizgen_holds_its_shares(t *testing.T) {
	t.Parallel()
	const n = 40_000
	w := newWorld(3, n)
	counts := map[string]float64{}
	count := func(what string, is bool) {
		if is {
			counts[what]++
		}
	}
	owners := w.owners(n)
	for i, owner := range owners {
		r, b := w.record(i, int(owner)), w.business(int(owner))
		count("no street", r.street == "")
		count("no city", r.city == "")
		count("no state", r.state == "")
		count("no postal code", r.postal == "")
		count("no phone", r.phone == "")
		count("no website", r.website == "")
		count("no point", math.IsNaN(r.lat))
		count("registry", r.source == "registry")
		count("shared host", r.website != "" && slices.ContainsFunc(sharedHosts, func(h string) bool { return strings.Contains(r.website, h) }))
		count("name as it is", strings.HasPrefix(strings.ToLower(r.name), strings.ToLower(b.name)))
		if r.name == "" || r.truth != int(owner) {
			t.Fatalf("record %d: %+v", i, r)
		}
	}
	for what, share := range map[string]float64{
		"no street": noStreet, "no city": noCity, "no state": noState, "no postal code": noPostal, "no phone": noPhone,
		"no website": noWebsite, "no point": noPoint, "registry": 0.2, "shared host": sharedHost * (1 - noWebsite),
		// Most names with a short form have it in one record of five.
		"name as it is": 0.70,
	} {
		tolerance := 0.008
		if what == "name as it is" {
			tolerance = 0.06
		}
		if got := counts[what] / n; math.Abs(got-share) > tolerance {
			t.Errorf("%s: %.3f, want %.3f", what, got, share)
		}
	}
}

func TestBizgen_repeats_four_records_of_ten_far_apart(t *testing.T) {
	t.Parallel()
	const n = 50_000
	w := newWorld(4, n)
	owners := w.owners(n)
	last, gaps, gap, most := map[uint32]int{}, 0, 0, map[uint32]int{}
	for i, owner := range owners {
		if before, ok := last[owner]; ok {
			gaps, gap = gaps+1, gap+i-before
		}
		last[owner] = i
		most[owner]++
	}
	if len(owners) != n || len(last) != w.size || gaps != n*4/10 {
		t.Errorf("%d records of %d businesses, %d repeats", len(owners), len(last), gaps)
	}
	if mean := gap / gaps; mean < n/8 {
		t.Errorf("a repeat comes %d records after the one before, on average", mean)
	}
	largest := 0
	for _, records := range most {
		largest = max(largest, records)
	}
	if largest < 5 || largest > 30 {
		t.Errorf("the most records of a business are %d", largest)
	}
}

func TestBizgen_has_chains_offices_and_neighbours(t *testing.T) {
	t.Parallel()
	w := newWorld(5, 100_000)
	central := 0
	for _, c := range w.chains {
		first, towns, phones := w.business(c.first), map[*town]bool{}, map[uint64]bool{}
		for i := range c.branches {
			b := w.business(c.first + i)
			if !b.isBranch || b.name != first.name || b.domain != first.domain {
				t.Fatalf("branch %d of %q is %+v", i, first.name, b)
			}
			towns[b.site.town], phones[b.phone] = true, true
		}
		if len(phones) == 1 {
			central++
		}
		if c.branches > 10 && len(towns) < 3 {
			t.Errorf("%d branches of %q are in %d towns", c.branches, first.name, len(towns))
		}
	}
	if share := float64(w.branches()) / float64(w.size); share < 0.025 || share > 0.07 {
		t.Errorf("%.3f of businesses are branches", share)
	}
	if share := float64(central) / float64(len(w.chains)); math.Abs(share-centralShare) > 0.1 {
		t.Errorf("%.2f of %d chains have a central phone", share, len(w.chains))
	}
	// Firms at one address: the site is the same to the metre.
	type point struct{ lat, lon float64 }
	sites, shared, sharedPhone := map[point]uint64{}, 0, 0
	for i := range w.size {
		b := w.business(i)
		at := point{b.site.lat, b.site.lon}
		if phone, ok := sites[at]; ok {
			shared++
			if phone == b.phone {
				sharedPhone++
			}
			continue
		}
		sites[at] = b.phone
	}
	if share := float64(shared) / float64(w.size); math.Abs(share-officeShare) > 0.004 {
		t.Errorf("%.3f of businesses share an office", share)
	}
	if share := float64(sharedPhone) / float64(shared); math.Abs(share-0.5) > 0.1 {
		t.Errorf("%.2f of those share its phone", share)
	}
}

func TestBizgen_draws_surnames_as_people_have_them(t *testing.T) {
	t.Parallel()
	w := newWorld(6, 1000)
	if len(w.surnames) != surnameCount || len(slices.Compact(slices.Sorted(slices.Values(w.surnames)))) != surnameCount {
		t.Fatalf("%d surnames", len(w.surnames))
	}
	d, uses := newDice(6, forWords, 1), map[string]int{}
	for range 100_000 {
		uses[w.surname(d)]++
	}
	top := uses[w.surnames[0]]
	if top < 200 || top > 600 || len(uses) < surnameCount*8/10 {
		t.Errorf("the commonest has %d of 100000, %d are used", top, len(uses))
	}
}

func TestDice_share_out_evenly(t *testing.T) {
	t.Parallel()
	// The first draws of neighbours must not be alike: each record has dice of its own.
	var counts [10]int
	for i := range 100_000 {
		counts[newDice(1, forRecord, i).below(10)]++
	}
	for value, n := range counts {
		if n < 9_600 || n > 10_400 {
			t.Errorf("%d comes %d times in 100000", value, n)
		}
	}
	d, sum := newDice(1, forWords, 0), 0.0
	for range 100_000 {
		x := d.normal(2)
		sum += x * x
	}
	if deviation := math.Sqrt(sum / 100_000); math.Abs(deviation-2) > 0.03 {
		t.Errorf("the deviation is %.3f, want 2", deviation)
	}
}
