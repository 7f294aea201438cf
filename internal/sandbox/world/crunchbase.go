package world

// Crunchbase is the provider that a directory of funded firms stands for: few
// local businesses, most with a domain, no streets worth trusting. Key is its
// uuid, ID its permalink.
const Crunchbase = "crunchbase"

func printCrunchbase(w *World, b *Business) []Listing {
	d := w.rand(Crunchbase, b.index)
	share := 0.08
	if b.Domain != "" {
		share = 0.28
	}
	if b.Company.FundingUSD > 0 {
		share = 0.95
	}
	if !b.coveredBy(d, share) {
		return nil
	}
	l, ok := w.firm(d, Crunchbase, b, slip{legal: 0.05, misspelt: 0.03, noPhone: 0.5, otherPhone: 0.02, oldSite: 0.7, stillOpen: 0.7})
	if !ok {
		return nil
	}
	l.Key, l.ID = uuid(d), slug(l.Name)
	if d.chance(0.1) {
		l.ID += "-" + hexKey(d, 4)
	}
	if d.chance(0.5) {
		l.Company = guess(d, l.Company, 0.3)
	}
	if d.chance(0.6) {
		l.Email = ""
	}
	return []Listing{l}
}
