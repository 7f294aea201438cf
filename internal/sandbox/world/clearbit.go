package world

// Clearbit is the provider that firmographics by domain stand for: one listing
// for each domain. Key is the domain, ID its uuid.
const Clearbit = "clearbit"

func printClearbit(w *World, b *Business) []Listing {
	d := w.rand(Clearbit, b.index)
	if b.Domain == "" || !b.coveredBy(d, 0.45) {
		return nil
	}
	l, ok := w.firm(d, Clearbit, b, slip{legal: 0.05, misspelt: 0.02, noPhone: 0.45, otherPhone: 0.02, oldSite: 0.7, stillOpen: 1})
	if !ok {
		return nil
	}
	l.Key, l.ID = b.Domain, uuid(d)
	if d.chance(0.6) {
		l.Company = guess(d, l.Company, 0.35)
	}
	if d.chance(0.2) { // the legal name is unknown
		l.LegalName = ""
	}
	return []Listing{l}
}
