package world

import (
	"regexp"
	"strings"
	"testing"
)

// Each provider knows the share of businesses that it would, and gives keys of
// its own form.
func TestPrinters_cover_what_each_provider_would(t *testing.T) {
	t.Parallel()
	w := generate(t, Config{})
	branches, domains := map[string]int{}, 0
	for i := range w.Businesses {
		if b := &w.Businesses[i]; b.Chain != "" {
			branches[b.Chain]++
		} else if b.Domain != "" {
			domains++
		}
	}
	alone := len(w.Businesses) // businesses that are no branch
	for _, n := range branches {
		alone -= n
	}
	const uuid = `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`
	for _, tt := range []struct {
		provider  string
		of        int
		low, high float64
		key       string
	}{
		{Yelp, len(w.Businesses), 0.65, 0.75, `^[A-Za-z0-9_-]{22}$`},
		{Crunchbase, alone, 0.2, 0.32, uuid},
		{Apollo, domains, 0.55, 0.65, `^[0-9a-f]{24}$`},
		{PDL, domains, 0.5, 0.6, `^[A-Za-z0-9]{28}$`},
		{Hunter, domains, 0.45, 0.55, `^[a-z0-9-]+\.example$`},
		{Clearbit, domains, 0.4, 0.5, `^[a-z0-9-]+\.example$`},
		{OpenCorporates, alone, 0.75, 0.85, `^us_co/[0-9]{11,13}$`},
		{Overture, len(w.Businesses), 0.68, 0.8, uuid},
	} {
		all := w.Listings(tt.provider)
		if share := float64(len(all)) / float64(tt.of); share < tt.low || share > tt.high {
			t.Errorf("%s: %d listings of %d", tt.provider, len(all), tt.of)
		}
		form := regexp.MustCompile(tt.key)
		last := ""
		for _, l := range all {
			if !form.MatchString(l.Key) || l.Key == last {
				t.Errorf("%s: key %q is repeated or of another form", tt.provider, l.Key)
			}
			last = l.Key
		}
	}
}

func TestPrinters_of_firms_have_a_chain_once(t *testing.T) {
	t.Parallel()
	w := generate(t, Config{})
	for _, provider := range []string{Crunchbase, Apollo, PDL, Hunter, Clearbit, OpenCorporates} {
		for _, c := range chains {
			n := 0
			for _, l := range w.Listings(provider) {
				if l.EntityID == ChainID(c.name) {
					n++
				}
			}
			if n != 1 {
				t.Errorf("%s has %s %d times", provider, c.name, n)
			}
		}
		for _, l := range w.Listings(provider) {
			if l.Company == nil {
				t.Errorf("%s: %s is no company", provider, l.Key)
			}
		}
	}
	found := w.ByDomain(Hunter, "rapidflow-plumbing.example")
	if len(found) != 1 || w.ByKey(Hunter, found[0].Key) != found[0] {
		t.Errorf("by domain: %+v", found)
	}
	if len(w.ByDomain(Hunter, "nobody.example")) != 0 || len(w.ByDomain(Hunter, "")) != 0 || w.ByKey(Hunter, "nobody") != nil || w.Listings("nobody") != nil {
		t.Error("somebody was found who is not there")
	}
	if branches := w.ByDomain(Overture, "rapidflow-plumbing.example"); len(branches) < 2 {
		t.Errorf("%d branches share a domain in Overture", len(branches))
	}
}

func TestPrinters_have_the_quirks_of_their_providers(t *testing.T) {
	t.Parallel()
	w := generate(t, Config{})
	dissolved := 0
	for _, l := range w.Listings(OpenCorporates) {
		if l.Name != strings.ToUpper(l.Name) || strings.Contains(l.Name, " DBA ") || l.Phone+l.Website+l.Domain != "" || l.Issued == "" {
			t.Errorf("register: %+v", l)
		}
		if l.Status == ClosedForGood {
			dissolved++
		}
	}
	if dissolved == 0 {
		t.Error("no company was dissolved")
	}
	for _, l := range w.Listings(PDL) {
		if l.Name != strings.ToLower(l.Name) {
			t.Errorf("pdl: %s", l.Name)
		}
	}
	for _, l := range w.Listings(Yelp) {
		if l.Website+l.Domain+l.Email != "" || l.Company != nil || l.ID == "" {
			t.Errorf("yelp: %+v", l)
		}
	}
	byID := map[string]*Business{}
	for i := range w.Businesses {
		byID[w.Businesses[i].ID] = &w.Businesses[i]
	}
	for _, provider := range []string{Crunchbase, Apollo, PDL, Hunter, Clearbit} {
		all, wrong := w.Listings(provider), 0
		for _, l := range all {
			if b := byID[l.EntityID]; b != nil && b.Company.Employees != l.Company.Employees {
				wrong++
			}
		}
		if wrong == 0 || wrong > len(all)*9/10 {
			t.Errorf("%s: %d of %d sizes are wrong", provider, wrong, len(all))
		}
	}
	stale := 0
	for _, l := range w.Listings(Overture) {
		if b := byID[l.EntityID]; b.Status == ClosedForGood && l.Status == Open {
			stale++
		}
	}
	if stale == 0 {
		t.Error("overture has heard of every closing")
	}
}
