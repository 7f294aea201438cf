package world

import "strings"

// OpenCorporates is the provider that the register of companies stands for:
// one listing for each legal entity, its legal name in capitals, the address
// of its registration, neither telephone nor website. Key is the jurisdiction
// and the number, such as us_co/20191000123; ID is the number.
const OpenCorporates = "opencorporates"

func printOpenCorporates(w *World, b *Business) []Listing {
	d := w.rand(OpenCorporates, b.index)
	if !b.coveredBy(d, 0.8) {
		return nil
	}
	l, ok := w.firm(d, OpenCorporates, b, slip{oldSite: 0.5, stillOpen: 0.4})
	if !ok {
		return nil
	}
	l.LegalName, _, _ = strings.Cut(b.LegalName, " DBA ") // a trade name is not registered as the entity's
	l.LegalName = strings.ToUpper(registered.Replace(l.LegalName))
	l.Name = l.LegalName
	l.ID = b.Company.RegistryNumber
	l.Key = w.Jurisdiction() + "/" + l.ID
	l.Phone, l.Website, l.Domain, l.Email, l.Lat, l.Lon = "", "", "", "", b.Site.Lat, b.Site.Lon
	l.Issued = b.Company.Incorporated
	if d.chance(0.04) && b.Chain == "" { // dissolved for a missing report, but still at work
		l.Status = ClosedForGood
	}
	if d.chance(0.5) {
		l.Street = spellStreet.Replace(l.Street)
	}
	return []Listing{l}
}

// Jurisdiction is the region as registers of companies name it: us_co.
func (w *World) Jurisdiction() string { return strings.ToLower(w.Metro.Country + "_" + w.Metro.Region) }

// registered writes a name as the register does.
var registered = strings.NewReplacer("'", "", " Inc", ", Inc.")
