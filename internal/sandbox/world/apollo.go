package world

// Apollo is the provider that a sales database stands for: firms with a
// domain, estimated sizes, people. Key is its id of 24 hex digits.
const Apollo = "apollo"

func printApollo(w *World, b *Business) []Listing {
	d := w.rand(Apollo, b.index)
	if b.Domain == "" || !b.coveredBy(d, 0.6) {
		return nil
	}
	l, ok := w.firm(d, Apollo, b, slip{legal: 0.06, short: 0.02, misspelt: 0.03, noPhone: 0.25, otherPhone: 0.03, oldSite: 0.6, stillOpen: 0.8})
	if !ok {
		return nil
	}
	l.Key, l.Email = hexKey(d, 24), ""
	if d.chance(0.7) {
		l.Company = guess(d, l.Company, 0.4)
	}
	if d.chance(0.15) { // often only the town is known
		l.Street, l.Unit, l.Postal = "", "", ""
	}
	return []Listing{l}
}
