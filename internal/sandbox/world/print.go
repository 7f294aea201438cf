package world

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
)

// slip says how a provider gets wrong what it prints: each a probability.
type slip struct {
	legal, short, misspelt float64 // forms of the name; else the plain one
	oldSite                float64 // prints where a business was before it moved
	noPhone, otherPhone    float64
	stillOpen              float64 // has not heard that it closed
}

// entry prints what most providers have in common about a business.
func (w *World) entry(d *dice, provider string, b *Business, s slip) Listing {
	site := &b.Site
	if b.OldSite != nil && d.chance(s.oldSite) {
		site = b.OldSite
	}
	l := Listing{
		Provider: provider, EntityID: b.ID, Name: b.Name, LegalName: b.LegalName, Category: b.Category, Area: b.Area,
		Street: site.Line(), Unit: site.Unit, City: site.Town.Name, Region: w.Metro.Region, Postal: site.Postal,
		Lat: site.Lat, Lon: site.Lon, Phone: b.Phone, Status: b.Status, Company: &b.Company,
		Seen: fmt.Sprintf("%d-%02d-%02d", 2022+d.IntN(4), 1+d.IntN(12), 1+d.IntN(28)),
	}
	switch n := d.Float64(); {
	case n < s.legal:
		l.Name = b.LegalName
	case n < s.legal+s.short:
		l.Name = abbreviate.Replace(b.Name)
	case n < s.legal+s.short+s.misspelt:
		l.Name = misspell(d, b.Name)
	}
	switch n := d.Float64(); {
	case n < s.noPhone:
		l.Phone = ""
	case n < s.noPhone+s.otherPhone:
		l.Phone = w.Businesses[d.IntN(b.index+1)].Phone // somebody else's
	}
	if l.Status != Open && d.chance(s.stillOpen) {
		l.Status = Open
	}
	return l
}

// firm prints a business as providers do that know firms, not branches: a
// chain once, by its first branch here. It is false for the other branches.
func (w *World) firm(d *dice, provider string, b *Business, s slip) (Listing, bool) {
	if b.Chain != "" && w.heads[b.Chain] != b.index {
		return Listing{}, false
	}
	l := w.entry(d, provider, b, s)
	l.Domain, l.Area = b.Domain, false
	if b.Domain != "" {
		l.Website = "https://www." + b.Domain
		l.Email = pick(d, []string{"info@", "hello@", "office@", "contact@"}) + b.Domain
	}
	if b.Chain != "" {
		l.Name, l.Status, l.EntityID = b.Chain, Open, ChainID(b.Chain)
	}
	return l, true
}

// coveredBy says whether a provider knows a business: every chain, and of the
// others the given share.
func (b *Business) coveredBy(d *dice, share float64) bool { return d.chance(share) || b.Chain != "" }

// guess is a company as a provider estimates it: sizes off by up to the given
// share, one founding year in ten wrong by one or two.
func guess(d *dice, c *Company, off float64) *Company {
	out := *c
	factor := 1 + (d.Float64()*2-1)*off
	out.Employees = max(1, int(float64(c.Employees)*factor+0.5))
	out.RevenueUSD = int64(float64(c.RevenueUSD)*factor) / 1000 * 1000
	if d.chance(0.1) {
		out.Founded += 1 + d.IntN(2)
	}
	return &out
}

// Keys in the forms that providers give them.

func hexKey(d *dice, digits int) string { return hex.EncodeToString(random(d, digits/2)) }

func uuid(d *dice) string {
	b := random(d, 16)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func base64Key(d *dice, bytes int) string {
	return base64.RawURLEncoding.EncodeToString(random(d, bytes))
}

func random(d *dice, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(d.UintN(256))
	}
	return b
}
