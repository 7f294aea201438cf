package world

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"
)

// CityLicenses is the provider that a city's licence register stands for:
// legal names in capitals, addresses written out, few telephone numbers, old
// licences beside new ones.
const CityLicenses = "city_licenses"

func printCityLicenses(w *World, b *Business) []Listing {
	d := w.rand(CityLicenses, b.index)
	if !d.chance(0.75) {
		return nil
	}
	site := b.Site
	if b.OldSite != nil && d.chance(0.4) {
		site = *b.OldSite // nobody told the city
	}
	out := []Listing{licence(w, d, b, site, 0)}
	if d.chance(0.04) {
		out = append(out, licence(w, d, b, site, 1)) // a renewal
	}
	return out
}

func licence(w *World, d *dice, b *Business, s Site, nth int) Listing {
	l := Listing{
		Provider: CityLicenses, EntityID: b.ID, Category: b.Category,
		Name: b.LegalName, Street: s.Line(), Unit: s.Unit,
		City: s.Town.Name, Region: w.Metro.Region, Postal: s.Postal,
		Lat: s.Lat, Lon: s.Lon, Status: b.Status,
		Issued: fmt.Sprintf("%d-%02d-%02d", 2018+d.IntN(8), 1+d.IntN(12), 1+d.IntN(28)),
	}
	l.Key = fmt.Sprintf("%s-BL-%05d%d", l.Issued[:4], b.index, nth)
	switch n := d.Float64(); {
	case n < 0.3:
		l.Name = b.Name
	case n < 0.37:
		l.Name = misspell(d, b.LegalName)
	case n < 0.42:
		l.Name = strings.NewReplacer(" & ", " AND ", "'", "").Replace(b.LegalName)
	}
	if d.chance(0.5) {
		l.Street = spellStreet.Replace(l.Street)
	}
	if d.chance(0.15) {
		l.Postal += fmt.Sprintf("-%04d", d.IntN(10_000))
	}
	if d.chance(0.6) {
		l.Phone = b.Phone
	}
	return l
}

var licenceHeader = []string{"LICENSE NO", "BUSINESS NAME", "LICENSE TYPE", "ADDRESS", "CITY", "STATE", "ZIP", "PHONE", "ISSUED"}

// WriteCityLicenses writes the register as the city publishes it: CSV with a
// header, LICENSE NO being its key.
func (w *World) WriteCityLicenses(out io.Writer) error {
	c := csv.NewWriter(out)
	if err := c.Write(licenceHeader); err != nil {
		return fmt.Errorf("write licences: %w", err)
	}
	for i, l := range w.Listings(CityLicenses) {
		address := l.Street
		if l.Unit != "" {
			address += pick(w.rand("licence unit", i), []string{" #", " UNIT ", " STE "}) + l.Unit
		}
		row := []string{
			l.Key, strings.ToUpper(l.Name), l.Category.Licence, strings.ToUpper(address),
			strings.ToUpper(l.City), l.Region, l.Postal, licencePhone(w.rand("licence phone", i), l.Phone), l.Issued,
		}
		if err := c.Write(row); err != nil {
			return fmt.Errorf("write licence %s: %w", l.Key, err)
		}
	}
	c.Flush()
	if err := c.Error(); err != nil {
		return fmt.Errorf("write licences: %w", err)
	}
	return nil
}

// licencePhone writes ten digits the way a clerk did that day.
func licencePhone(d *dice, digits string) string {
	if digits == "" {
		return ""
	}
	return fmt.Sprintf(pick(d, []string{"%s%s%s", "%s-%s-%s", "(%s) %s-%s", "%s.%s.%s", "1-%s-%s-%s"}), digits[:3], digits[3:6], digits[6:])
}
