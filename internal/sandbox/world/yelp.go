package world

import "fmt"

// Yelp is the provider that a review site stands for: most local businesses,
// branch by branch; it keeps the ones that closed and follows the ones that
// moved; no website, no e-mail. Key is its id of 22 characters, ID its alias.
const Yelp = "yelp"

func printYelp(w *World, b *Business) []Listing {
	d := w.rand(Yelp, b.index)
	if !d.chance(0.7) {
		return nil
	}
	l := w.entry(d, Yelp, b, slip{legal: 0.04, short: 0.06, misspelt: 0.05, noPhone: 0.06, otherPhone: 0.01, oldSite: 0.3, stillOpen: 0.3})
	l.Key, l.ID, l.Company, l.LegalName = base64Key(d, 16), fmt.Sprintf("%s-%s", slug(l.Name), slug(l.City)), nil, ""
	if b.Chain != "" || d.chance(0.1) {
		l.ID += fmt.Sprint("-", 2+b.index%97)
	}
	if b.Reviews > 0 && d.chance(0.85) {
		l.Reviews = 1 + b.Reviews*(20+d.IntN(60))/100
		l.Rating = half(b.Rating - 0.3 + d.NormFloat64()*0.3)
	}
	if d.chance(0.7) {
		l.Hours = b.Hours
	}
	l.Lat, l.Lon = shift(l.Lat, l.Lon, d.NormFloat64()*0.03, d.NormFloat64()*0.03)
	out := []Listing{l}
	if b.OldSite != nil && d.chance(0.4) { // the page of the old address forwards to the new one
		old := l
		old.Key, old.ID, old.MovedTo = base64Key(d, 16), l.ID+"-old", l.Key
		old.Street, old.Unit, old.City, old.Postal = b.OldSite.Line(), b.OldSite.Unit, b.OldSite.Town.Name, b.OldSite.Postal
		old.Lat, old.Lon, old.Status, old.Hours = b.OldSite.Lat, b.OldSite.Lon, ClosedForGood, nil
		out = append(out, old)
	}
	return out
}

// half rounds to half stars.
func half(v float64) float64 { return min(5, max(1, round(v*2, 0)/2)) }
