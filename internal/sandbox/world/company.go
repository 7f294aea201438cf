package world

import (
	"fmt"
	"math"
	"strings"
)

// Company is what firmographic providers know of a business. The branches of
// a chain share one.
type Company struct {
	Employees      int
	RevenueUSD     int64  // a year
	Founded        int    // year
	Incorporated   string // YYYY-MM-DD
	RegistryNumber string // in the register of the state
	FundingUSD     int64  // 0 for none
	LinkedIn       string // the part after /company/; "" for none
	Twitter        string
	Facebook       string
	Tech           []string
	People         []Person
}

// Person works at a business. Nobody of that name does.
type Person struct {
	First, Last string
	Title       string
	Seniority   string // owner, manager, staff
	Department  string // management, sales, operations
	Email       string // "" where the business has no domain
}

var (
	givenNames = []string{
		"Ada", "Amos", "Beatriz", "Callum", "Celia", "Dario", "Edith", "Elena", "Felix", "Greta", "Hugo", "Imani", "Ines",
		"Jonas", "Kiran", "Lena", "Marcus", "Nadia", "Oscar", "Petra", "Quinn", "Rosa", "Silas", "Tamsin", "Uma", "Viktor", "Wren", "Yara",
	}
	posts = []Person{
		{Title: "Owner", Seniority: "owner", Department: "management"},
		{Title: "Office Manager", Seniority: "manager", Department: "operations"},
		{Title: "Sales Manager", Seniority: "manager", Department: "sales"},
		{Title: "Estimator", Seniority: "staff", Department: "sales"},
	}
	technologies = []string{
		"Shopify", "Stripe", "WordPress", "Squarespace", "Google Analytics", "HubSpot", "ServiceTitan", "QuickBooks", "Mailchimp", "Cloudflare",
	}
)

// incorporate draws a company; a chain's name decides all of it.
func incorporate(w *World, b *Business) Company {
	d := w.rand("company", b.index)
	if b.Chain != "" {
		d = w.rand("company "+b.Chain, 0)
	}
	c := Company{Employees: 1 + int(math.Exp(d.NormFloat64()*1.1+1.9)), Founded: 1950 + d.IntN(74)}
	if b.Chain != "" {
		c.Employees += 60
	}
	c.RevenueUSD = int64(c.Employees) * int64(70_000+d.IntN(90_000))
	c.Incorporated = fmt.Sprintf("%d-%02d-%02d", c.Founded+d.IntN(3), 1+d.IntN(12), 1+d.IntN(28))
	c.RegistryNumber = fmt.Sprintf("%d1%06d", c.Founded+2, b.index)
	if b.Chain != "" {
		c.RegistryNumber = fmt.Sprintf("%d19%05d", c.Founded+2, d.IntN(100_000))
	}
	if d.chance(0.03) {
		c.FundingUSD = int64(1+d.IntN(40)) * 250_000
	}
	handle := slug(b.Name)
	if b.Chain == "" && d.chance(0.3) {
		handle += fmt.Sprint("-", b.index)
	}
	if d.chance(0.6) {
		c.LinkedIn = handle
	}
	if d.chance(0.3) {
		c.Twitter = strings.ReplaceAll(handle, "-", "")
	}
	if d.chance(0.5) {
		c.Facebook = handle
	}
	if b.Domain != "" {
		for _, t := range technologies {
			if d.chance(0.18) {
				c.Tech = append(c.Tech, t)
			}
		}
	}
	for i := range 1 + min(len(posts)-1, c.Employees/6) {
		p := posts[i]
		p.First, p.Last = pick(d, givenNames), pick(d, surnames)
		if b.Domain != "" {
			p.Email = strings.ToLower(p.First) + "." + slug(p.Last) + "@" + b.Domain
		}
		c.People = append(c.People, p)
	}
	return c
}
