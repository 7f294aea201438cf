package world

// Hunter is the provider that a finder of addresses stands for: one listing
// for each domain, with the mailboxes of its people. Key is the domain.
const Hunter = "hunter"

func printHunter(w *World, b *Business) []Listing {
	d := w.rand(Hunter, b.index)
	if b.Domain == "" || !b.coveredBy(d, 0.5) {
		return nil
	}
	l, ok := w.firm(d, Hunter, b, slip{legal: 0.03, misspelt: 0.02, noPhone: 0.7, oldSite: 0.6, stillOpen: 1})
	if !ok {
		return nil
	}
	l.Key = b.Domain
	if d.chance(0.3) {
		l.Email = ""
	}
	if d.chance(0.5) {
		l.Company = guess(d, l.Company, 0.3)
	}
	return []Listing{l}
}
