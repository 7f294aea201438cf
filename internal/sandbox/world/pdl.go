package world

import "strings"

// PDL is the provider that an aggregated data set stands for: all in lower
// case, sizes as ranges, addresses often stale. Key is its id of 28
// characters.
const PDL = "pdl"

func printPDL(w *World, b *Business) []Listing {
	d := w.rand(PDL, b.index)
	if b.Domain == "" || !b.coveredBy(d, 0.55) {
		return nil
	}
	l, ok := w.firm(d, PDL, b, slip{legal: 0.1, short: 0.03, misspelt: 0.03, noPhone: 0.5, otherPhone: 0.02, oldSite: 0.8, stillOpen: 0.9})
	if !ok {
		return nil
	}
	l.Key, l.ID = alphanumeric.Replace(base64Key(d, 21)), slug(b.Name)
	l.Name, l.LegalName, l.Email, l.Website = strings.ToLower(l.Name), strings.ToLower(l.LegalName), "", b.Domain
	l.Street, l.City = strings.ToLower(l.Street), strings.ToLower(l.City)
	if d.chance(0.8) {
		l.Company = guess(d, l.Company, 0.5)
	}
	return []Listing{l}
}

// alphanumeric takes the signs out of a key.
var alphanumeric = strings.NewReplacer("-", "x", "_", "Q")
