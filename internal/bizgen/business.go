package main

import (
	"math"
	"sort"
	"strings"
)

// town is where businesses are. A town has districts around its middle, each
// with a postal code; larger towns have more.
type town struct {
	name, state string
	lat, lon    float64
	area        int // code of its phones
	postal      int
	districts   int
}

// site is where a business stands.
type site struct {
	town      *town
	house     int
	direction string // with a space behind it, or ""
	street    string
	way       []string
	postal    int
	lat, lon  float64
}

// business is one true business: a branch of a chain is one.
type business struct {
	name     string
	forms    []string // its legal form as it may be written; nil for none
	site     site
	phone    uint64 // ten digits
	second   uint64 // its other line
	domain   string
	isBranch bool
}

// chain is a run of businesses that are its branches.
type chain struct{ first, branches int }

// world is all businesses. They are made when asked for.
type world struct {
	lexicon
	seed   uint64
	size   int
	towns  []town
	chains []chain // by first
}

func newWorld(seed uint64, records int) *world {
	w := &world{seed: seed, size: max(1, records*businessesOf10/10)}
	w.lexicon = newLexicon(newDice(seed, forWords, 0))
	d := newDice(seed, forTowns, 0)
	w.towns = make([]town, max(60, int(2*math.Sqrt(float64(records)))))
	for i := range w.towns {
		w.towns[i] = town{
			name: w.lexicon.towns[i%len(w.lexicon.towns)], state: pick(d, states),
			lat: 26 + 22*d.share(), lon: -122 + 52*d.share(),
			area: 200 + d.below(790), postal: 10000 + d.below(89000), districts: 1 + 60*8/(8+i),
		}
	}
	d = newDice(seed, forLayout, 0)
	for i := 0; i < w.size; i++ {
		if d.chance(chainShare) {
			u := d.share()
			branches := min(3+int(37*u*u), w.size-i)
			w.chains = append(w.chains, chain{i, branches})
			i += branches - 1
		}
	}
	return w
}

// The recipe. Six businesses make ten records.
const (
	businessesOf10 = 6
	chainShare     = 0.003 // of new businesses, start a chain
	centralShare   = 0.30  // of chains, have one phone for all branches
	officeShare    = 0.02  // of businesses, sit where another does
	neighbourShare = 0.01  // of businesses, are named nearly like another in town
	formShare      = 0.75  // of names, have a legal form
	nearby         = 50    // how far back the other business is, at most
)

// business makes business i.
func (w *world) business(i int) business {
	d := newDice(w.seed, forBusiness, i)
	if c, ok := w.chainOf(i); ok {
		return w.branch(newDice(w.seed, forChain, c.first), d)
	}
	b := business{name: w.name(d), forms: w.forms(d)}
	switch {
	case i > 0 && d.chance(officeShare):
		other := w.business(i - 1 - d.below(min(i, nearby)))
		b.site, b.phone = other.site, other.phone
		if d.chance(0.5) {
			b.phone = b.site.town.newPhone(d)
		}
	case i > 0 && d.chance(neighbourShare):
		other := w.business(i - 1 - d.below(min(i, nearby)))
		start := other.name[:strings.LastIndexByte(other.name, ' ')+1]
		b.name = start + firstWord(pick(d, w.trades))
		b.site = w.newSite(d, other.site.town)
		b.phone = b.site.town.newPhone(d)
	default:
		b.site = w.newSite(d, nil)
		b.phone = b.site.town.newPhone(d)
	}
	b.second = b.site.town.newPhone(d)
	b.domain = w.newDomain(d, b)
	return b
}

// branch makes a branch of a chain: c draws what the branches share.
func (w *world) branch(c, d *dice) business {
	b := business{name: w.name(c), forms: w.forms(c), isBranch: true}
	b.domain = short(slug(b.name), 28) + pick(c, endings)
	central := w.towns[0].newPhone(c)
	b.site = w.newSite(d, nil)
	if b.phone = central; !c.chance(centralShare) {
		b.phone = b.site.town.newPhone(d)
	}
	b.second = b.site.town.newPhone(d)
	return b
}

func (w *world) chainOf(i int) (chain, bool) {
	after := sort.Search(len(w.chains), func(n int) bool { return w.chains[n].first > i })
	if after == 0 {
		return chain{}, false
	}
	c := w.chains[after-1]
	return c, i < c.first+c.branches
}

func (w *world) surname(d *dice) string { return w.surnames[d.rank(len(w.surnames), 60)] }

func (w *world) name(d *dice) string {
	trade := pick(d, w.trades)
	switch k := d.share(); {
	case k < 0.30:
		return w.surname(d) + " " + trade
	case k < 0.38:
		return w.surname(d) + " & Sons " + trade
	case k < 0.46:
		return w.surname(d) + " & " + w.surname(d) + " " + trade
	case k < 0.50:
		return w.surname(d) + " Brothers " + trade
	case k < 0.55:
		return w.surname(d) + "'s " + trade
	case k < 0.75:
		return pick(d, w.adjectives) + " " + pick(d, w.nouns) + " " + trade
	case k < 0.90:
		return pick(d, w.adjectives) + strings.ToLower(pick(d, w.nouns)) + " " + trade
	default:
		return pick(d, w.adjectives) + " " + trade
	}
}

func (w *world) forms(d *dice) []string {
	if !d.chance(formShare) {
		return nil
	}
	if f := legalForms[d.rank(len(legalForms), 3)]; f[0] != "" {
		return f
	}
	return nil
}

// newSite draws a site, in any town if t is nil. Districts lie around the
// middle like seeds of a sunflower, so that they are about as large as each
// other.
func (w *world) newSite(d *dice, t *town) site {
	if t == nil {
		t = &w.towns[d.rank(len(w.towns), 25)]
	}
	s := site{town: t, house: 1 + d.below(9900)}
	if d.chance(0.35) {
		s.street = pick(d, w.streets)
	} else {
		s.street = w.surnames[d.rank(len(w.surnames), 300)]
	}
	s.way = ways[d.rank(len(ways), 3)]
	if d.chance(0.15) {
		s.direction = pick(d, directions)
	}
	const goldenAngle = 2.39996
	district := d.below(t.districts)
	radius, angle := 0.012*math.Sqrt(float64(district)), goldenAngle*float64(district)
	s.postal = (t.postal + 7*district) % 100000
	s.lat = t.lat + radius*math.Cos(angle) + d.normal(0.004)
	s.lon = t.lon + radius*math.Sin(angle) + d.normal(0.005)
	return s
}

// move is where a business was, or will be, if it has moved in town.
func (w *world) move(i int, b business) (site, bool) {
	d := newDice(w.seed, forMove, i)
	if !d.chance(movedShare) {
		return site{}, false
	}
	return w.newSite(d, b.site.town), true
}

func (t *town) newPhone(d *dice) uint64 {
	return uint64(t.area)*1e7 + uint64(200+d.below(800))*1e4 + uint64(d.below(1e4))
}

func (w *world) newDomain(d *dice, b business) string {
	base := slug(b.name)
	if !d.chance(0.6) {
		base = slug(firstWord(b.name))
		if d.chance(0.6) {
			base += short(slug(b.name[strings.LastIndexByte(b.name, ' ')+1:]), 6)
		} else {
			base += short(slug(b.site.town.name), 8)
		}
	}
	return short(base, 28) + pick(d, endings)
}

func firstWord(s string) string {
	first, _, _ := strings.Cut(s, " ")
	return first
}

func short(s string, n int) string { return s[:min(n, len(s))] }
