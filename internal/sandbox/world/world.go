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
	"sync"

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
const MaxSize = 200_000

// World is a generated city. It may be read by many at once.
type World struct {
	Metro      *Metro
	Businesses []Business       // the truth, by ID
	desks      map[string]*desk // by provider
	heads      map[string]int   // index of the first branch, by chain
	seed       uint64
}

// desk holds what one provider prints; it prints when it is first asked.
type desk struct {
	once     sync.Once
	print    func(*World, *Business) []Listing
	listings []Listing // by key
	byDomain []int32   // those with a domain, by domain and key
	grid     grid
}

// Listing is what one provider prints about one business, or of a chain as a
// whole. Empty values are not printed.
type Listing struct {
	Provider string
	Key      string // the provider's own key, as it stands in the truth
	EntityID string // the truth: Business.ID, or "chain:" and the slug of a chain
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

	// What providers of firms print; nil and empty for the others.
	ID        string   // a second key where the provider has one: alias, permalink, uuid
	LegalName string   // as registered
	Domain    string   // without "www."
	Email     string   // of the firm, not of a person
	Company   *Company // as the provider believes it; it may be wrong. Never change it
	Score     float64  // how sure the provider is, 0 to 1
	Seen      string   // date of the provider's last look, YYYY-MM-DD
}

// ChainID is the truth of a listing that is about a chain as a whole.
func ChainID(chain string) string { return "chain:" + slug(chain) }

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
	w := &World{Metro: cfg.Metro, seed: cfg.Seed, desks: map[string]*desk{}, heads: map[string]int{}}
	for _, p := range printers {
		w.desks[p.provider] = &desk{print: p.print}
	}
	w.Businesses = newCensus(w, cfg.Size).take()
	for i := len(w.Businesses) - 1; i >= 0; i-- {
		if b := &w.Businesses[i]; b.Chain != "" {
			w.heads[b.Chain] = i
		}
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
	{Yelp, printYelp},
	{Crunchbase, printCrunchbase},
	{Apollo, printApollo},
	{PDL, printPDL},
	{Hunter, printHunter},
	{Clearbit, printClearbit},
	{OpenCorporates, printOpenCorporates},
	{Overture, printOverture},
}

// Listings are the listings of a provider in the order of their keys; none of
// one that this world does not know. The caller must not change them.
func (w *World) Listings(provider string) []Listing { return w.desk(provider).listings }

// ByDomain are the listings of a provider with a domain, in the order of their
// keys. The domain is in lower case without "www.".
func (w *World) ByDomain(provider, domain string) []*Listing {
	d := w.desk(provider)
	at, _ := slices.BinarySearchFunc(d.byDomain, domain, func(i int32, domain string) int {
		return cmp.Compare(d.listings[i].Domain, domain)
	})
	var found []*Listing
	for ; domain != "" && at < len(d.byDomain) && d.listings[d.byDomain[at]].Domain == domain; at++ {
		found = append(found, &d.listings[d.byDomain[at]])
	}
	return found
}

// ByKey is the listing of a provider with a key; nil for none.
func (w *World) ByKey(provider, key string) *Listing {
	d := w.desk(provider)
	i, ok := slices.BinarySearchFunc(d.listings, key, func(l Listing, key string) int { return cmp.Compare(l.Key, key) })
	if !ok {
		return nil
	}
	return &d.listings[i]
}

func (w *World) desk(provider string) *desk {
	d := w.desks[provider]
	if d == nil {
		return &desk{}
	}
	d.once.Do(func() { d.open(w) })
	return d
}

// open prints everything, on two processors: each business has dice of its
// own, so the order of work does not show. Listings are kept in pieces until
// their number is known, for a large world fills much memory.
func (d *desk) open(w *World) {
	const workers, piece = 2, 1024
	var parts [workers][][]Listing
	var wg sync.WaitGroup
	for k := range workers {
		wg.Go(func() {
			last := make([]Listing, 0, piece)
			for i := len(w.Businesses) * k / workers; i < len(w.Businesses)*(k+1)/workers; i++ {
				for _, l := range d.print(w, &w.Businesses[i]) {
					if len(last) == piece {
						parts[k] = append(parts[k], last)
						last = make([]Listing, 0, piece)
					}
					last = append(last, l)
				}
			}
			parts[k] = append(parts[k], last)
		})
	}
	wg.Wait()
	d.listings = slices.Concat(slices.Concat(parts[:]...)...)
	slices.SortFunc(d.listings, func(a, b Listing) int { return cmp.Compare(a.Key, b.Key) })
	for i := range d.listings {
		if d.listings[i].Domain != "" {
			d.byDomain = append(d.byDomain, int32(i))
		}
	}
	slices.SortStableFunc(d.byDomain, func(a, b int32) int { return cmp.Compare(d.listings[a].Domain, d.listings[b].Domain) })
	d.grid = newGrid(d.listings)
}

// Truth lists every listing of every provider with its business.
func (w *World) Truth() []TruthRow {
	var rows []TruthRow
	for _, p := range printers {
		for _, l := range w.Listings(p.provider) {
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

// areaCodes are those of the region; otherCodes are those of other places,
// whose numbers large worlds need as well. With the exchange 555 they make
// numbers that no subscriber has but number plans accept.
var (
	areaCodes  = []string{"303", "720", "970", "719"}
	otherCodes = []string{
		"205", "206", "208", "209", "213", "214", "215", "216", "217", "218", "219", "224", "225", "228", "229", "231", "234", "239", "240", "248",
		"251", "252", "253", "254", "256", "260", "262", "267", "269", "270", "281", "301", "302", "304", "305", "307", "308", "309", "310", "312",
	}
)

// phone is the n-th telephone number, ten digits; different n below 440,000
// give different numbers, those below 40,000 numbers of the region.
func phone(n int) string {
	codes := areaCodes
	if region := 10_000 * len(areaCodes); n >= region {
		n, codes = n-region, otherCodes
	}
	n = n * 7919 % (10_000 * len(codes)) // spreads neighbours out; 7919 has no factor in common with the whole
	return fmt.Sprintf("%s555%04d", codes[n/10_000], n%10_000)
}

// Every business has two numbers; the first 20,000 have those of the region.
const regional = 20_000

func ownPhone(i int) string {
	if i < regional {
		return phone(i)
	}
	return phone(2 * i)
}

// trackingPhone is a second number of a business, that only one provider prints.
func trackingPhone(b *Business) string {
	if b.index < regional {
		return phone(regional + b.index)
	}
	return phone(2*b.index + 1)
}
