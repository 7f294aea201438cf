package main

import (
	"math"
	"strconv"
	"strings"
)

// row is one record as a source prints its business. An empty text is missing.
type row struct {
	source, name, street, city, state, postal, phone, website string
	lat, lon                                                  float64 // NaN if missing
	truth                                                     int
}

// Shares of records with a field missing, and of what sources do to the rest.
const (
	movedShare = 0.04 // of businesses, are elsewhere in half of their records

	noStreet, noCity, noState, noPostal = 0.10, 0.04, 0.06, 0.09
	noPhone, noWebsite, noPoint         = 0.22, 0.38, 0.18

	abbreviated, oneTypo, twoTypos            = 0.20, 0.16, 0.04
	wordLost, wordsTurned, firstOnly, withThe = 0.04, 0.02, 0.02, 0.02
	formWritten, accentsLost, lowerCase       = 0.72, 0.12, 0.04
	townInName                                = 0.25 // of branches
	capitals                                  = 0.80 // of names and streets in the registry

	houseOff, streetTypo, withUnit, cityTypo = 0.02, 0.07, 0.09, 0.03
	postalOff, postalPlus4                   = 0.02, 0.08
	secondLine, digitOff                     = 0.10, 0.015
	sharedHost, otherEnding                  = 0.05, 0.02
	pointOfTown                              = 0.03
)

// record renders business i as record number n.
func (w *world) record(n, i int) row {
	b := w.business(i)
	d := newDice(w.seed, forRecord, n)
	if moved, ok := w.move(i, b); ok && d.chance(0.5) {
		b.site = moved
	}
	r := row{source: pick(d, sources), truth: i, lat: math.NaN(), lon: math.NaN()}
	isRegistry := r.source == "registry"
	r.name = renderName(d, b, isRegistry)
	if !d.chance(noStreet) {
		r.street = renderStreet(d, b.site)
		if isRegistry && d.chance(capitals) {
			r.street = strings.ToUpper(r.street)
		}
	}
	if !d.chance(noCity) {
		r.city = b.site.town.name
		if d.chance(cityTypo) {
			r.city = typo(d, r.city)
		}
		if isRegistry {
			r.city = strings.ToUpper(r.city)
		}
	}
	if !d.chance(noState) {
		r.state = b.site.town.state
	}
	if !d.chance(noPostal) {
		r.postal = renderPostal(d, b.site.postal)
	}
	if !d.chance(noPhone) {
		r.phone = renderPhone(d, b)
	}
	if !d.chance(noWebsite) {
		r.website = renderWebsite(d, b.domain)
	}
	if !d.chance(noPoint) {
		r.lat, r.lon = b.site.town.lat, b.site.town.lon
		if !d.chance(pointOfTown) {
			r.lat, r.lon = b.site.lat+d.normal(0.0004), b.site.lon+d.normal(0.0005)
		}
		r.lat, r.lon = math.Round(r.lat*1e6)/1e6, math.Round(r.lon*1e6)/1e6
	}
	return r
}

func renderName(d *dice, b business, isRegistry bool) string {
	name := b.name
	if d.chance(abbreviated) {
		for i, start := 0, d.below(len(shortForms)); i < len(shortForms); i++ {
			f := shortForms[(start+i)%len(shortForms)]
			if strings.Contains(name, f[0]) {
				name = strings.ReplaceAll(name, f[0], f[1])
				break
			}
		}
	}
	// One of these at most: the share runs down through them.
	for share, change := d.share(), 0; change < len(nameChanges); change++ {
		if share -= nameChanges[change].share; share < 0 {
			name = nameChanges[change].apply(d, name)
			break
		}
	}
	if b.forms != nil && d.chance(formWritten) {
		form := pick(d, b.forms)
		if !strings.HasPrefix(form, ",") {
			name += " "
		}
		name += form
	}
	if d.chance(accentsLost) {
		name = plain.Replace(name)
	}
	switch {
	case isRegistry && d.chance(capitals):
		name = strings.ToUpper(name)
	case d.chance(lowerCase):
		name = strings.ToLower(name)
	}
	if b.isBranch && d.chance(townInName) {
		name += " - " + b.site.town.name
	}
	return name
}

var nameChanges = []struct {
	share float64
	apply func(d *dice, name string) string
}{
	{oneTypo, typo},
	{twoTypos, func(d *dice, name string) string { return typo(d, typo(d, name)) }},
	{wordLost, func(d *dice, name string) string {
		w := strings.Fields(name)
		if len(w) < 3 {
			return name
		}
		lost := 1 + d.below(len(w)-1)
		return strings.Join(append(w[:lost], w[lost+1:]...), " ")
	}},
	{wordsTurned, func(_ *dice, name string) string {
		first, rest, _ := strings.Cut(name, " ")
		return strings.TrimSpace(rest + " " + first)
	}},
	{firstOnly, func(_ *dice, name string) string { return firstWord(name) }},
	{withThe, func(_ *dice, name string) string { return "The " + name }},
}

func renderStreet(d *dice, s site) string {
	house, direction, way, name := s.house, s.direction, s.way[0], s.street
	if d.chance(houseOff) {
		house = max(1, house+d.below(40)-20)
	}
	if direction != "" && d.chance(0.5) {
		direction = direction[:1] + " "
	}
	if d.chance(0.5) {
		way = pick(d, s.way[1:])
	}
	if d.chance(streetTypo) {
		name = typo(d, name)
	}
	line := strconv.Itoa(house) + " " + direction + name + " " + way
	if d.chance(withUnit) {
		switch d.below(4) {
		case 0:
			line += ", Suite " + strconv.Itoa(1+d.below(400))
		case 1:
			line += " Ste " + strconv.Itoa(1+d.below(400))
		case 2:
			line += " #" + strconv.Itoa(1+d.below(90))
		default:
			line += " Unit " + string(rune('A'+d.below(6)))
		}
	}
	return line
}

func renderPostal(d *dice, postal int) string {
	code := digits(uint64(postal), 5)
	if d.chance(postalOff) {
		code = code[:4] + strconv.Itoa(d.below(10))
	}
	if d.chance(postalPlus4) {
		code += "-" + digits(uint64(d.below(1e4)), 4)
	}
	return code
}

func renderPhone(d *dice, b business) string {
	number := b.phone
	if d.chance(secondLine) {
		number = b.second
	}
	p := digits(number, 10)
	if d.chance(digitOff) {
		i := d.below(10)
		p = p[:i] + strconv.Itoa(d.below(10)) + p[i+1:]
	}
	area, exchange, line := p[:3], p[3:6], p[6:]
	switch d.below(7) {
	case 0:
		return "(" + area + ") " + exchange + "-" + line
	case 1:
		return area + "-" + exchange + "-" + line
	case 2:
		return "+1 " + area + " " + exchange + " " + line
	case 3:
		return "+1" + p
	case 4:
		return p
	case 5:
		return area + "." + exchange + "." + line
	default:
		return "1-" + area + "-" + exchange + "-" + line
	}
}

func renderWebsite(d *dice, domain string) string {
	switch share := d.share(); {
	case share < sharedHost:
		domain = pick(d, sharedHosts)
	case share < sharedHost+otherEnding:
		domain = domain[:strings.LastIndexByte(domain, '.')] + pick(d, endings)
	}
	switch share := d.share(); {
	case share < 0.50:
		return domain
	case share < 0.75:
		return "www." + domain
	case share < 0.90:
		return "https://www." + domain + "/"
	default:
		return "http://" + domain + "/contact"
	}
}

// typo drops, turns, mistypes or adds one letter, but not the first or last.
func typo(d *dice, s string) string {
	letters := []rune(s)
	if len(letters) < 4 {
		return s
	}
	i := 1 + d.below(len(letters)-2)
	switch d.below(4) {
	case 0:
		letters = append(letters[:i], letters[i+1:]...)
	case 1:
		letters[i], letters[i+1] = letters[i+1], letters[i]
	case 2:
		letters[i] = nearKey(d, letters[i])
	default:
		added := letters[i]
		if d.chance(0.5) {
			added = rune('a' + d.below(26))
		}
		letters = append(letters[:i], append([]rune{added}, letters[i:]...)...)
	}
	return string(letters)
}

func nearKey(d *dice, r rune) rune {
	if r >= 'A' && r <= 'Z' {
		r += 'a' - 'A'
	}
	if r < 'a' || r > 'z' {
		return rune('a' + d.below(26))
	}
	keys := nearKeys[r-'a']
	return rune(keys[d.below(len(keys))])
}

// plain takes the accents off the letters that the surnames have.
var plain = strings.NewReplacer("é", "e", "ö", "o", "ü", "u", "ñ", "n", "ł", "l", "ã", "a", "í", "i", "É", "E", "Ö", "O", "Ü", "U")

// slug is a name as a domain has it.
func slug(s string) string {
	out := make([]byte, 0, len(s))
	for _, c := range []byte(strings.ReplaceAll(plain.Replace(s), "&", "and")) {
		switch {
		case c >= 'A' && c <= 'Z':
			out = append(out, c+'a'-'A')
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
			out = append(out, c)
		}
	}
	return string(out)
}

// digits writes n with leading zeros.
func digits(n uint64, width int) string {
	out := make([]byte, width)
	for i := width - 1; i >= 0; i-- {
		out[i], n = byte('0'+n%10), n/10
	}
	return string(out)
}
