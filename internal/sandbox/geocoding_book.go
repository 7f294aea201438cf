package sandbox

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/leadlake/leadlake/internal/sandbox/world"
)

// spot is what an address was found to be.
type spot struct {
	kind      string // street_address, route, postal_code, locality, administrative_area_level_1 or country
	site      world.Site
	nth       int32 // of addressBook.sites, for the first two kinds; of the towns or postal codes
	unit      bool  // the unit was asked for
	partial   bool  // it is not all that was asked for
	estimated bool  // the number is not known, only those beside it
}

func (s spot) precision() string {
	switch {
	case s.estimated:
		return "RANGE_INTERPOLATED"
	case s.kind == "street_address":
		return "ROOFTOP"
	case s.kind == "route":
		return "GEOMETRIC_CENTER"
	}
	return "APPROXIMATE"
}

// addressBook finds the sites of a world by what people write.
type addressBook struct {
	metro    *world.Metro
	sites    []world.Site
	byLine   map[string][]int32     // by street line in its short form
	byStreet map[string][]int32     // by street and direction
	byCell   map[[2]int32][]int32   // by place, for the way back
	postals  []string               // of all towns
	town     map[string]*world.Town // by postal code
	named    map[string]*world.Town // by name in lower case
}

func newAddressBook(w *world.World) *addressBook {
	b := &addressBook{
		metro: w.Metro, byLine: map[string][]int32{}, byStreet: map[string][]int32{}, byCell: map[[2]int32][]int32{},
		town: map[string]*world.Town{}, named: map[string]*world.Town{},
	}
	for i := range w.Metro.Towns {
		t := &w.Metro.Towns[i]
		b.named[strings.ToLower(t.Name)] = t
		for _, postal := range t.Postals {
			b.postals, b.town[postal] = append(b.postals, postal), t
		}
	}
	for i := range w.Businesses {
		business := &w.Businesses[i]
		b.add(business.Site)
		if business.OldSite != nil {
			b.add(*business.OldSite)
		}
	}
	return b
}

func (b *addressBook) add(s world.Site) {
	line := strings.ToLower(s.Line()) // it is short already
	for _, i := range b.byLine[line] {
		if b.sites[i].Town == s.Town && b.sites[i].Postal == s.Postal {
			return // another unit of the building
		}
	}
	i := int32(len(b.sites))
	b.sites = append(b.sites, s)
	b.byLine[line] = append(b.byLine[line], i)
	street := strings.ToLower(s.Direction + " " + s.Street)
	b.byStreet[street] = append(b.byStreet[street], i)
	cell := cellAt(s.Lat, s.Lon)
	b.byCell[cell] = append(b.byCell[cell], i)
}

func cellAt(lat, lon float64) [2]int32 { return [2]int32{int32(lat * 100), int32(lon * 100)} }

// An id tells the kind of a spot and its place in the book, with a checksum
// after it, so that the book needs no second index.
var spotKinds = []string{"street_address", "route", "postal_code", "locality", "administrative_area_level_1", "country"}

const placePrefix = "ChIJ"

func (b *addressBook) id(s spot) string {
	var raw [17]byte
	raw[0] = byte(slices.Index(spotKinds, s.kind))
	binary.BigEndian.PutUint32(raw[1:], uint32(s.nth))
	sum := sha256.Sum256(fmt.Appendf(raw[:5:5], "%s", b.metro.City))
	copy(raw[5:], sum[:])
	for i := range 5 { // ids of neighbours do not look alike
		raw[i] ^= raw[5+i]
	}
	return placePrefix + base64.RawURLEncoding.EncodeToString(raw[:])
}

func (b *addressBook) byID(id string) (spot, bool) {
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(id, placePrefix))
	if err != nil || len(raw) != 17 {
		return spot{}, false
	}
	for i := range 5 {
		raw[i] ^= raw[5+i]
	}
	nth := int32(binary.BigEndian.Uint32(raw[1:]))
	if int(raw[0]) >= len(spotKinds) || nth < 0 {
		return spot{}, false
	}
	s, ok := b.spot(spotKinds[raw[0]], nth)
	return s, ok && b.id(s) == id
}

func (b *addressBook) spot(kind string, nth int32) (spot, bool) {
	s := spot{kind: kind, nth: nth}
	m := b.metro
	switch {
	case (kind == "street_address" || kind == "route") && int(nth) < len(b.sites):
		s.site = b.sites[nth]
	case kind == "postal_code" && int(nth) < len(b.postals):
		t := b.town[b.postals[nth]]
		off := float64(nth%5-2) / 100
		s.site = world.Site{Town: t, Postal: b.postals[nth], Lat: t.Lat + off, Lon: t.Lon - off}
	case kind == "locality" && int(nth) < len(m.Towns):
		t := &m.Towns[nth]
		s.site = world.Site{Town: t, Lat: t.Lat, Lon: t.Lon}
	case kind == "administrative_area_level_1" && nth == 0:
		s.site = world.Site{Lat: m.Lat, Lon: m.Lon}
	case kind == "country" && nth == 0:
		s.site = world.Site{Lat: 39.8, Lon: -98.6}
	default:
		return spot{}, false
	}
	return s, true
}

// reverse is the nearest address within about a kilometre, and the wider places
// that hold it.
func (b *addressBook) reverse(p latLng) []spot {
	nearest, away := int32(-1), 1.5
	home := cellAt(p.Latitude, p.Longitude)
	for dLat := int32(-1); dLat <= 1; dLat++ {
		for dLon := int32(-1); dLon <= 1; dLon++ {
			for _, i := range b.byCell[[2]int32{home[0] + dLat, home[1] + dLon}] {
				if km := world.DistanceKM(p.Latitude, p.Longitude, b.sites[i].Lat, b.sites[i].Lon); km < away {
					nearest, away = i, km
				}
			}
		}
	}
	if world.DistanceKM(p.Latitude, p.Longitude, b.metro.Lat, b.metro.Lon) > b.metro.RadiusKM*1.2 {
		return nil
	}
	var out []spot
	if nearest >= 0 {
		s, _ := b.spot("street_address", nearest)
		out = append(out, s)
		if n := slices.Index(b.postals, s.site.Postal); n >= 0 {
			postal, _ := b.spot("postal_code", int32(n))
			out = append(out, postal)
		}
		for n := range b.metro.Towns {
			if &b.metro.Towns[n] == s.site.Town {
				town, _ := b.spot("locality", int32(n))
				out = append(out, town)
			}
		}
	}
	region, _ := b.spot("administrative_area_level_1", 0)
	country, _ := b.spot("country", 0)
	return append(out, region, country)
}

// wanted is an address taken apart.
type wanted struct {
	number int
	street []string // words in short form
	town   *world.Town
	postal string
	region bool
	nation bool
	unit   bool
	rest   bool // something in it is not understood
}

var unitForm = regexp.MustCompile(`(#|\b(ste|suite|unit|apt)\b)\.?\s*#?\s*[a-z0-9-]+`)

// read takes an address apart from its end: country, postal code, region and
// town first, so that what remains is the street.
func (b *addressBook) read(address string) wanted {
	address = strings.ToLower(address)
	bare := unitForm.ReplaceAllString(address, "")
	w := wanted{unit: bare != address}
	line, rest, _ := strings.Cut(bare, ",")
	inLine := len(tokens(line))
	words := b.cutEnds(tokens(line+" "+rest), &w)
	if len(words) > inLine { // a town or the like that this world does not have
		words, w.rest = words[:inLine], true
	}
	for i, word := range words {
		if short, ok := streetShort[word]; ok {
			words[i] = short
		}
	}
	if len(words) > 0 {
		if n, err := strconv.Atoi(words[0]); err == nil {
			w.number, words = n, words[1:]
		}
	}
	w.street = words
	return w
}

// cutEnds takes the wider places off the end of an address.
func (b *addressBook) cutEnds(words []string, w *wanted) []string {
	end := func(suffix ...string) bool {
		if n := len(words) - len(suffix); n >= 0 && slices.Equal(words[n:], suffix) {
			words = words[:n]
			return true
		}
		return false
	}
	for again := true; again; {
		again = false
		for _, nation := range []string{"usa", "us", "united states", "united states of america"} {
			if end(strings.Fields(nation)...) {
				w.nation, again = true, true
			}
		}
		if end(strings.ToLower(b.metro.Region)) || end(strings.ToLower(b.metro.RegionName)) {
			w.region, again = true, true
		}
		if n := len(words); n > 0 && len(words[n-1]) == 4 && n > 1 && len(words[n-2]) == 5 && digits(words[n-1]+words[n-2]) {
			words = words[:n-1] // the four digits behind a postal code
		}
		if n := len(words); n > 0 && w.postal == "" && len(words[n-1]) == 5 && digits(words[n-1]) && (n > 1 || b.town[words[n-1]] != nil) {
			w.postal, words, again = words[n-1], words[:n-1], true
		}
		for name, t := range b.named {
			if w.town == nil && end(strings.Fields(name)...) {
				w.town, again = t, true
			}
		}
	}
	return words
}

func digits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// forward finds what an address and the components beside it name.
func (b *addressBook) forward(address string, parts map[string]string) []spot {
	if c := parts["country"]; c != "" && c != "us" && c != "usa" && c != "united states" {
		return nil
	}
	if a := parts["administrative_area"]; a != "" && a != strings.ToLower(b.metro.Region) && a != strings.ToLower(b.metro.RegionName) {
		return nil
	}
	w := b.read(address)
	if route := parts["route"]; route != "" && len(w.street) == 0 {
		w.street = streetWords(route)
	}
	if postal := parts["postal_code"]; postal != "" {
		if w.postal != "" && w.postal != postal || b.town[postal] == nil {
			return nil
		}
		w.postal = postal
	}
	if town := parts["locality"]; town != "" {
		if b.named[town] == nil || w.town != nil && w.town != b.named[town] {
			return nil
		}
		w.town = b.named[town]
	}
	w.region = w.region || parts["administrative_area"] != ""
	w.nation = w.nation || parts["country"] != ""
	if len(w.street) > 0 {
		if found := b.onStreet(w); found != nil {
			return found
		}
		w.rest = true
	}
	return b.wider(w)
}

// wider is the smallest place that is left when the street is not known.
func (b *addressBook) wider(w wanted) []spot {
	known := func(kind string, nth int) []spot {
		s, _ := b.spot(kind, int32(nth))
		s.partial = w.rest
		return []spot{s}
	}
	if n := slices.Index(b.postals, w.postal); n >= 0 {
		return known("postal_code", n)
	}
	for n := range b.metro.Towns {
		if w.town == &b.metro.Towns[n] {
			return known("locality", n)
		}
	}
	switch {
	case w.rest && !w.region: // a name alone, or with nothing but the country
		return nil
	case w.region:
		return known("administrative_area_level_1", 0)
	case w.nation:
		return known("country", 0)
	}
	return nil
}

// onStreet finds the number on its street; on a street that is spelt nearly so;
// or the street alone.
func (b *addressBook) onStreet(w wanted) []spot {
	line := strings.Join(w.street, " ")
	if found := b.numbered(w, fmt.Sprintf("%d %s", w.number, line), w.rest); found != nil {
		return found
	}
	alike := b.alike(line)
	for _, street := range alike {
		if found := b.numbered(w, fmt.Sprintf("%d %s", w.number, street), true); found != nil {
			return found
		}
	}
	// The street exists, the number does not: somewhere between its neighbours.
	nearest, apart := int32(-1), 0
	for _, street := range alike {
		for _, i := range b.byStreet[street] {
			s := b.sites[i]
			d := max(s.Number-w.number, w.number-s.Number)
			if w.town != nil && s.Town != w.town || w.postal != "" && w.town == nil && s.Postal != w.postal {
				continue
			}
			if nearest < 0 || d < apart || d == apart && i < nearest {
				nearest, apart = i, d
			}
		}
	}
	if nearest < 0 {
		return nil
	}
	if w.number == 0 {
		s, _ := b.spot("route", nearest)
		s.partial = w.rest || alike[0] != line
		return []spot{s}
	}
	s, _ := b.spot("street_address", nearest)
	s.partial, s.estimated = true, true
	return []spot{s}
}

// numbered are the sites of a street line, those of the town and postal code
// that was asked for alone, if there are any.
func (b *addressBook) numbered(w wanted, line string, partial bool) []spot {
	var exact, other []spot
	for _, i := range b.byLine[line] {
		s, _ := b.spot("street_address", i)
		s.unit, s.partial = w.unit, partial
		town, postal := w.town == nil || w.town == s.site.Town, w.postal == "" || w.postal == s.site.Postal
		if town && postal {
			exact = append(exact, s)
			continue
		}
		s.partial = true
		if town || postal {
			other = append([]spot{s}, other...)
		}
	}
	if exact != nil {
		return exact
	}
	return other[:min(len(other), 1)]
}

// alike are the streets of the world that a line names: the one that it is, or
// those that it is without a direction or type, or with a letter or two wrong.
func (b *addressBook) alike(line string) []string {
	if b.byStreet[line] != nil {
		return []string{line}
	}
	var out []string
	for street := range b.byStreet {
		_, bare, _ := strings.Cut(street, " ") // without its direction
		stem := bare[:max(strings.LastIndex(bare, " "), 0)]
		if line == bare || line == stem || distance(line, street) <= 2 || distance(line, bare) <= 2 && len(bare) > 5 {
			out = append(out, street)
		}
	}
	slices.Sort(out)
	return out
}

// distance is the number of letters to change, add or take out; it need not be
// exact beyond 2.
func distance(a, b string) int {
	if max(len(a)-len(b), len(b)-len(a)) > 2 {
		return 3
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			before, row[j+1] = row[j+1], min(before+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
