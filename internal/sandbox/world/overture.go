package world

// Overture is the provider that an open data set of places stands for: wide
// coverage without people to correct it, so that closed places stay in it;
// websites, social pages and a confidence. Key is its id, a UUID.
const Overture = "overture"

func printOverture(w *World, b *Business) []Listing {
	d := w.rand(Overture, b.index)
	if b.Area && d.chance(0.5) || !d.chance(0.75) {
		return nil
	}
	l := w.entry(d, Overture, b, slip{legal: 0.06, short: 0.06, misspelt: 0.06, noPhone: 0.2, otherPhone: 0.03, oldSite: 0.6, stillOpen: 0.75})
	l.Key, l.LegalName, l.Area = uuid(d), "", false
	l.Lat, l.Lon = shift(l.Lat, l.Lon, d.NormFloat64()*0.02, d.NormFloat64()*0.02)
	if b.Domain != "" && d.chance(0.7) {
		l.Domain = b.Domain
		l.Website = pick(d, []string{"https://www.", "http://www.", "https://"}) + b.Domain + pick(d, []string{"", "/", b.Page + "/"})
		if d.chance(0.15) {
			l.Email = "info@" + b.Domain
		}
	}
	l.Score = round(0.3+0.7*d.Float64(), 4)
	if l.Status != b.Status || b.OldSite != nil {
		l.Score = round(l.Score*0.7, 4)
	}
	out := []Listing{l}
	if d.chance(0.03) { // two data sets gave the same place
		double := l
		double.Key, double.Name, double.Website, double.Domain = uuid(d), misspell(d, b.Name), "", ""
		double.Score = round(0.2+0.3*d.Float64(), 4)
		out = append(out, double)
	}
	return out
}
