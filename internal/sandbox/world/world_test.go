package world

import (
	"bytes"
	"encoding/csv"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nyaruka/phonenumbers"

	"github.com/leadlake/leadlake"
)

func generate(t *testing.T, cfg Config) *World {
	t.Helper()
	w, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestNew_same_seed_same_world(t *testing.T) {
	t.Parallel()
	a, b := generate(t, Config{}), generate(t, Config{Seed: 2026, Size: 2000})
	other := generate(t, Config{Seed: 7})
	for _, p := range printers {
		if !reflect.DeepEqual(a.Listings(p.provider), b.Listings(p.provider)) {
			t.Errorf("two worlds of one seed differ:\n%s", cmp.Diff(a.Listings(p.provider), b.Listings(p.provider)))
		}
		if reflect.DeepEqual(a.Listings(p.provider), other.Listings(p.provider)) {
			t.Error("two seeds gave one world")
		}
	}
}

func TestNew_larger_world_begins_with_the_smaller(t *testing.T) {
	t.Parallel()
	small, large := generate(t, Config{Size: 300}), generate(t, Config{Size: 900})
	for i := range small.Businesses {
		if s, l := small.Businesses[i], large.Businesses[i]; s.Name != l.Name || s.Phone != l.Phone || s.Site.Line() != l.Site.Line() {
			t.Fatalf("business %d: %+v became %+v", i, s, l)
		}
	}
}

func TestNew_refuses_a_size_without_enough_numbers(t *testing.T) {
	t.Parallel()
	for _, size := range []int{-1, MaxSize + 1} {
		if _, err := New(Config{Size: size}); leadlake.ErrorCode(err) != leadlake.Invalid {
			t.Errorf("size %d: %v, want invalid", size, err)
		}
	}
}

func TestNew_denver_has_what_the_demo_needs(t *testing.T) {
	t.Parallel()
	w := generate(t, Config{})
	plumbers, closed, moved, area, unrated := 0, 0, 0, 0, 0
	verticals := map[string]bool{}
	for _, l := range w.Listings(GooglePlaces) {
		verticals[l.Category.Type] = true
		if l.Category.Type != "plumber" {
			continue
		}
		if km := DistanceKM(w.Metro.Lat, w.Metro.Lon, l.Lat, l.Lon); km > 50 {
			t.Errorf("%s lies %.1f km out", l.Key, km)
		}
		switch {
		case l.MovedTo != "":
			moved++
		case l.Status == ClosedForGood:
			closed++
		case l.Area:
			area++
		default:
			plumbers++
		}
		if l.Reviews == 0 {
			unrated++
		}
	}
	if plumbers < 300 {
		t.Errorf("%d open plumbers with an address, want 300 or more", plumbers)
	}
	if closed == 0 || moved == 0 || area == 0 || unrated == 0 || len(verticals) != len(categories) {
		t.Errorf("closed %d, moved %d, service area %d, unrated %d, %d categories: want some of each", closed, moved, area, unrated, len(verticals))
	}
}

func TestTruth_covers_every_listing_once(t *testing.T) {
	t.Parallel()
	w := generate(t, Config{})
	known := map[string]bool{}
	for _, b := range w.Businesses {
		known[b.ID] = true
		if b.Chain != "" {
			known[ChainID(b.Chain)] = true
		}
	}
	providers := map[string]map[string]bool{} // entity to its providers
	seen := map[[2]string]bool{}
	for _, row := range w.Truth() {
		key := [2]string{row.Provider, row.ProviderKey}
		if seen[key] || !known[row.EntityID] {
			t.Fatalf("row %+v is repeated or about nobody", row)
		}
		seen[key] = true
		if providers[row.EntityID] == nil {
			providers[row.EntityID] = map[string]bool{}
		}
		providers[row.EntityID][row.Provider] = true
	}
	want := 0
	for _, p := range printers {
		want += len(w.Listings(p.provider))
	}
	if len(seen) != want {
		t.Errorf("%d rows for %d listings", len(seen), want)
	}
	both := 0
	for _, p := range providers {
		if p[GooglePlaces] && p[CityLicenses] {
			both++
		}
	}
	if both < 1000 {
		t.Errorf("%d of 2,000 businesses are known to both providers, want over half", both)
	}
}

func TestNew_nobody_is_real(t *testing.T) {
	t.Parallel()
	w := generate(t, Config{Size: 5000})
	owner := map[string]string{}
	for _, b := range w.Businesses {
		if b.Phone[3:6] != "555" {
			t.Errorf("%s has the number %s outside the fictional exchange", b.ID, b.Phone)
		}
		if b.Domain != "" && !strings.HasSuffix(b.Domain, ".example") {
			t.Errorf("%s has the domain %s", b.ID, b.Domain)
		}
		n, err := phonenumbers.Parse(b.Phone, "US")
		if err != nil || !phonenumbers.IsValidNumber(n) {
			t.Errorf("%s: number %s is not valid: %v", b.ID, b.Phone, err)
		}
		if b.Chain != "" {
			continue
		}
		for _, id := range []string{b.Name, b.Phone, trackingPhone(&b), b.Domain} {
			if other := owner[id]; id != "" && other != "" {
				t.Errorf("%s and %s share %q", other, b.ID, id)
			}
			owner[id] = b.ID
		}
	}
}

func TestNew_providers_disagree_as_real_ones_do(t *testing.T) {
	t.Parallel()
	w := generate(t, Config{})
	byID := map[string]*Business{}
	for i := range w.Businesses {
		byID[w.Businesses[i].ID] = &w.Businesses[i]
	}
	for _, provider := range []string{GooglePlaces, CityLicenses} {
		var renamed, noPhone, doubled int
		first := map[string]bool{}
		all := w.Listings(provider)
		for _, l := range all {
			if !strings.EqualFold(l.Name, byID[l.EntityID].Name) {
				renamed++
			}
			if l.Phone == "" {
				noPhone++
			}
			if first[l.EntityID] {
				doubled++
			}
			first[l.EntityID] = true
		}
		if n := len(all); renamed < n/10 || renamed > n*9/10 || noPhone == 0 || noPhone > n/2 || doubled == 0 || doubled > n/10 {
			t.Errorf("%s: of %d listings %d renamed, %d without phone, %d doubled", provider, n, renamed, noPhone, doubled)
		}
	}
}

func TestWriteCityLicenses_is_a_table_with_a_key(t *testing.T) {
	t.Parallel()
	w := generate(t, Config{})
	var out bytes.Buffer
	if err := w.WriteCityLicenses(&out); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != len(w.Listings(CityLicenses))+1 {
		t.Errorf("%d lines for %d licences", len(rows), len(w.Listings(CityLicenses)))
	}
	keys := map[string]bool{}
	for _, row := range rows[1:] {
		if keys[row[0]] || row[1] != strings.ToUpper(row[1]) || row[1] == "" {
			t.Errorf("row %q: key repeated or name not in capitals", row)
		}
		keys[row[0]] = true
	}
}

func TestSlug_is_a_label(t *testing.T) {
	t.Parallel()
	if got, want := slug("O'Dell & Sons  Drain-Service"), "odell-and-sons-drain-service"; got != want {
		t.Errorf("slug = %q, want %q", got, want)
	}
}
