package world

import (
	"fmt"
	"math"
	"strings"
)

// Status says whether a business is still there.
type Status string

// The statuses.
const (
	Open              Status = "open"
	ClosedTemporarily Status = "closed_temporarily"
	ClosedForGood     Status = "closed"
)

// Hours is one opening interval; Day 0 is Sunday. Open and Close are minutes
// since midnight; a business that never closes has seven days of 0 to 1440.
type Hours struct{ Day, Open, Close int }

// Business is one true business: a branch of a chain counts as one.
type Business struct {
	ID        string // "b00001"
	Name      string
	LegalName string // as registered, with its legal form
	Category  *Category
	Chain     string // name of the chain, "" for none
	Site      Site
	OldSite   *Site // where it was before it moved
	Area      bool  // serves at the customer's and hides its address
	Phone     string
	Domain    string // "" for none
	Page      string // path of its page below the domain
	Rating    float64
	Reviews   int
	Status    Status
	Hours     []Hours
	Company   Company
	index     int
}

// Site is where a business stands.
type Site struct {
	Number    int
	Direction string // N, S, E, W
	Street    string // with its type abbreviated: "Colfax Ave"
	Unit      string // "210"; "" for none
	Town      *Town
	Postal    string
	Lat, Lon  float64
	line      string
}

// Line is the street line in short form, without the unit.
func (s Site) Line() string { return s.line }

// census makes the businesses of a world.
type census struct {
	w       *World
	size    int
	slots   []*Category // categories by weight, spread evenly
	towns   []*Town     // towns by weight
	names   map[string]bool
	domains map[string]bool
	weeks   map[[3]int][]Hours
}

func newCensus(w *World, size int) *census {
	c := &census{w: w, size: size, names: map[string]bool{}, domains: map[string]bool{}, weeks: map[[3]int][]Hours{}}
	left := make([]int, len(categories))
	for i := range categories {
		left[i] = categories[i].Weight
	}
	for taken := true; taken; {
		taken = false
		for i := range categories {
			if left[i] > 0 {
				left[i]--
				c.slots = append(c.slots, &categories[i])
				taken = true
			}
		}
	}
	for i := range w.Metro.Towns {
		for range w.Metro.Towns[i].Weight {
			c.towns = append(c.towns, &w.Metro.Towns[i])
		}
	}
	return c
}

// take makes every business in order; a business depends only on those before
// it, so a larger world begins with the smaller one.
func (c *census) take() []Business {
	all := make([]Business, 0, c.size)
	for i := range c.size {
		d := c.w.rand("business", i)
		b := Business{ID: fmt.Sprintf("b%05d", i+1), index: i, Category: c.slots[i%len(c.slots)], Phone: ownPhone(i)}
		c.place(d, &b, all)
		c.christen(d, &b)
		c.furnish(d, &b)
		b.Company = incorporate(c.w, &b)
		all = append(all, b)
	}
	return all
}

// place finds a site. Some share a building with the business before, of
// another trade: same street line, different company.
func (c *census) place(d *dice, b *Business, before []Business) {
	if n := len(before); n > 0 && d.chance(0.08) {
		b.Site = before[n-1].Site
		b.Site.Unit = fmt.Sprint(100 + d.IntN(40)*10)
	} else {
		b.Site = c.site(d)
	}
	b.Area = b.Category.Mobile && d.chance(0.1)
}

func (c *census) site(d *dice) Site {
	m := c.w.Metro
	town := pick(d, c.towns)
	s := Site{
		Number: 100 + d.IntN(14_000), Direction: pick(d, []string{"N", "S", "E", "W"}),
		Street: pick(d, m.Streets), Town: town, Postal: pick(d, town.Postals),
	}
	s.line = fmt.Sprintf("%d %s %s", s.Number, s.Direction, s.Street)
	if d.chance(0.2) {
		s.Unit = fmt.Sprint(100 + d.IntN(400))
	}
	s.Lat, s.Lon = town.Lat, town.Lon
	for range 20 {
		lat, lon := shift(town.Lat, town.Lon, d.NormFloat64()*town.SpreadKM, d.NormFloat64()*town.SpreadKM)
		if DistanceKM(m.Lat, m.Lon, lat, lon) <= m.RadiusKM {
			s.Lat, s.Lon = lat, lon
			break
		}
	}
	return s
}

// christen gives a name, a legal name and a domain. Two businesses may be
// called nearly the same, but never exactly.
func (c *census) christen(d *dice, b *Business) {
	if c.joinChain(d, b) {
		return
	}
	for try := 0; ; try++ {
		b.Name = c.name(d, b.Category)
		switch {
		case try > 30:
			b.Name = fmt.Sprintf("%s of %s %d", b.Name, b.Site.Town.Name, b.index)
		case try > 10: // large worlds run out of short names
			b.Name = pick(d, givenNames) + " " + pick(d, surnames) + " " + pick(d, []string{"& Partners", "& Daughters", "Bros", "Family", "Premier", "Quality", "Express", "Professional"}) + " " + pick(d, b.Category.Nouns)
		}
		if !c.names[b.Name] {
			break
		}
	}
	c.names[b.Name] = true
	b.LegalName = b.Name + " " + pick(d, []string{"LLC", "LLC", "Inc", "Co"})
	if d.chance(0.06) {
		b.LegalName = fmt.Sprintf("%s Enterprises LLC DBA %s", pick(d, surnames), b.Name)
	}
	if !d.chance(0.82) {
		return
	}
	base := slug(b.Name)
	if d.chance(0.3) {
		base += "-" + slug(c.w.Metro.City)
	}
	b.Domain = base + ".example"
	if c.domains[b.Domain] {
		b.Domain = fmt.Sprintf("%s-%d.example", base, b.index)
	}
	c.domains[b.Domain] = true
}

// joinChain makes about one business in twenty of a chain's category a branch.
func (c *census) joinChain(d *dice, b *Business) bool {
	for _, chain := range chains {
		if chain.category != b.Category.Type || !d.chance(0.04) {
			continue
		}
		b.Chain, b.Name, b.Area = chain.name, chain.name, false
		b.LegalName = chain.name + " of Colorado LLC"
		b.Domain = slug(chain.name) + ".example"
		b.Page = "/locations/" + slug(b.Site.Town.Name)
		if chain.tollFree != "" {
			b.Phone = chain.tollFree
		}
		return true
	}
	return false
}

func (c *census) name(d *dice, cat *Category) string {
	noun := pick(d, cat.Nouns)
	switch n := d.IntN(10); {
	case n < 3:
		return pick(d, surnames) + " " + noun
	case n < 4:
		return pick(d, surnames) + " & Sons " + noun
	case n < 5:
		return pick(d, surnames) + " Brothers " + noun
	case n < 6:
		return pick(d, surnames) + " & " + pick(d, surnames) + " " + noun
	case n < 9:
		return pick(d, epithets) + " " + noun
	}
	return pick(d, epithets) + " " + pick(d, surnames) + " " + noun
}

// furnish adds what remains: reviews, hours, and whether it is still there.
func (c *census) furnish(d *dice, b *Business) {
	if d.chance(0.88) {
		b.Reviews = 1 + int(math.Exp(d.NormFloat64()*1.4+3.2))
		b.Rating = round(math.Min(5, math.Max(1, 4.4+d.NormFloat64()*0.5)), 1)
	}
	if d.chance(0.8) {
		b.Hours = c.hours(d, b.Category)
	}
	b.Status = Open
	switch n := d.Float64(); {
	case n < 0.015:
		b.Status = ClosedTemporarily
	case n < 0.05:
		b.Status = ClosedForGood
	case n < 0.07 && !b.Area:
		old := c.site(d)
		b.OldSite = &old
	}
}

// hours draws a week. Businesses with equal weeks share one.
func (c *census) hours(d *dice, cat *Category) []Hours {
	if cat.EveryHour && d.chance(0.15) {
		return c.week([3]int{0, 24 * 60, 7})
	}
	opens, closes := (7+d.IntN(3))*60+d.IntN(2)*30, (16+d.IntN(5))*60
	if d.chance(0.4) {
		return c.week([3]int{opens, closes, 6})
	}
	return c.week([3]int{opens, closes, 5})
}

// week has an opening, a close and a number of days; the sixth is a Saturday
// morning, and seven begin on a Sunday.
func (c *census) week(key [3]int) []Hours {
	if week, ok := c.weeks[key]; ok {
		return week
	}
	var week []Hours
	opens, closes, days := key[0], key[1], key[2]
	switch days {
	case 7:
		for day := range 7 {
			week = append(week, Hours{day, opens, closes})
		}
	default:
		for day := 1; day <= 5; day++ {
			week = append(week, Hours{day, opens, closes})
		}
		if days == 6 {
			week = append(week, Hours{6, 9 * 60, 13 * 60})
		}
	}
	c.weeks[key] = week
	return week
}

// slug is s as it stands in a domain name.
func slug(s string) string {
	s = strings.ReplaceAll(strings.ReplaceAll(s, "'", ""), "&", "and")
	return strings.Join(strings.FieldsFunc(strings.ToLower(s), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	}), "-")
}
