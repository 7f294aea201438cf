// Package world generates a city of businesses that do not exist, and what
// each provider says about them. The truth is known: every listing names the
// business it describes, so that tests can measure resolution. The same
// configuration gives the same world, byte for byte.
package world

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"

	"github.com/leadlake/leadlake"
)

// Config sets a world up. Zero values mean the defaults named beside them.
type Config struct {
	Seed  uint64 // 2026
	Size  int    // businesses; 2,000
	Metro *Metro // Denver
}

// MaxSize is the largest world: beyond it the fictional telephone numbers run
// out.
const MaxSize = 20_000

// World is a generated city.
type World struct {
	Metro      *Metro
	Businesses []Business           // the truth, by ID
	listings   map[string][]Listing // by provider, each by key
	seed       uint64
}

// Listing is what one provider prints about one business. Empty values are not
// printed.
type Listing struct {
	Provider string
	Key      string // the provider's own key
	EntityID string // the truth: Business.ID
	Name     string
	Category *Category
	Street   string
	Unit     string
	City     string
	Region   string
	Postal   string
	Lat, Lon float64 // always set; a service-area listing does not print them
	Area     bool    // a service-area business: no address, no point
	Phone    string  // ten digits
	Website  string
	Rating   float64 // 0 for none
	Reviews  int
	Status   Status
	MovedTo  string // key of the listing that replaces this one
	Hours    []Hours
	Issued   string // date of a licence, YYYY-MM-DD
}

// TruthRow says which business a provider's record is about.
type TruthRow struct {
	Provider    string `json:"provider"`
	ProviderKey string `json:"provider_key"`
	EntityID    string `json:"entity_id"`
}

// New generates a world.
func New(cfg Config) (*World, error) {
	if cfg.Seed == 0 {
		cfg.Seed = 2026
	}
	if cfg.Size == 0 {
		cfg.Size = 2_000
	}
	if cfg.Metro == nil {
		cfg.Metro = Denver()
	}
	if cfg.Size < 1 || cfg.Size > MaxSize {
		return nil, leadlake.Errorf(leadlake.Invalid, "generate world: size %d", cfg.Size).
			WithFix("use 1 to %d businesses", MaxSize)
	}
	w := &World{Metro: cfg.Metro, seed: cfg.Seed, listings: map[string][]Listing{}}
	w.Businesses = newCensus(w, cfg.Size).take()
	for _, p := range printers {
		var all []Listing
		for i := range w.Businesses {
			all = append(all, p.print(w, &w.Businesses[i])...)
		}
		slices.SortFunc(all, func(a, b Listing) int { return cmp.Compare(a.Key, b.Key) })
		w.listings[p.provider] = all
	}
	return w, nil
}

// printers list the providers. A new provider is one file with a function of
// this form and one line here; the businesses and the other providers stay
// the same.
var printers = []struct {
	provider string
	print    func(*World, *Business) []Listing
}{
	{GooglePlaces, printGooglePlaces},
	{CityLicenses, printCityLicenses},
}

// Listings are the listings of a provider in the order of their keys. The
// caller must not change them.
func (w *World) Listings(provider string) []Listing { return w.listings[provider] }

// Truth lists every listing of every provider with its business.
func (w *World) Truth() []TruthRow {
	var rows []TruthRow
	for _, p := range printers {
		for _, l := range w.listings[p.provider] {
			rows = append(rows, TruthRow{Provider: l.Provider, ProviderKey: l.Key, EntityID: l.EntityID})
		}
	}
	return rows
}

// rand is a generator of its own for a purpose and a business, so that no
// purpose disturbs another.
func (w *World) rand(purpose string, i int) *dice {
	h := fnv.New64a()
	fmt.Fprint(h, purpose)
	binary.Write(h, binary.LittleEndian, int64(i)) //nolint:errcheck // a hash never fails
	return &dice{rand.New(rand.NewPCG(w.seed, h.Sum64()))}
}

// dice draws what worlds are made of.
type dice struct{ *rand.Rand }

// chance is true with probability p.
func (d *dice) chance(p float64) bool { return d.Float64() < p }

func pick[T any](d *dice, from []T) T { return from[d.IntN(len(from))] }

// phones are area codes of the region with the exchange 555, which no
// subscriber has but number plans accept.
var areaCodes = []string{"303", "720", "970", "719"}

// phone is the n-th telephone number, ten digits; different n below 40,000
// give different numbers.
func phone(n int) string {
	const all = 40_000
	n = n * 7919 % all // spreads neighbours out; 7919 has no factor in common with all
	return fmt.Sprintf("%s555%04d", areaCodes[n/10_000], n%10_000)
}

// trackingPhone is a second number of a business, that only one provider prints.
func trackingPhone(b *Business) string { return phone(MaxSize + b.index) }
