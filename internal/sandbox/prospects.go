package sandbox

import (
	"net/url"
	"strings"
	"sync"

	"github.com/leadlake/leadlake/internal/sandbox/crm"
	"github.com/leadlake/leadlake/internal/sandbox/world"
)

// prospects finds the business that a delivered record is about: by its number,
// which no two share, else by its domain. What becomes of it there follows from
// what it is, not from what was delivered of it.
func prospects(w *world.World) func(crm.Prospect) (crm.Traits, bool) {
	index := sync.OnceValues(func() (byPhone, byDomain map[string]int) {
		byPhone, byDomain = map[string]int{}, map[string]int{}
		for i := range w.Businesses {
			b := &w.Businesses[i]
			byPhone[b.Phone] = i
			if _, taken := byDomain[b.Domain]; !taken && b.Domain != "" {
				byDomain[b.Domain] = i
			}
		}
		return byPhone, byDomain
	})
	return func(who crm.Prospect) (crm.Traits, bool) {
		byPhone, byDomain := index()
		i, ok := byPhone[tenDigits(who.Phone)]
		if _, domain, isMail := strings.Cut(strings.ToLower(who.Email), "@"); !ok && isMail {
			i, ok = byDomain[domain]
		}
		if u, err := url.Parse(who.Website); !ok && err == nil {
			i, ok = byDomain[strings.TrimPrefix(u.Hostname(), "www.")]
		}
		if !ok {
			return crm.Traits{}, false
		}
		b := &w.Businesses[i]
		t := crm.Traits{
			ID: b.ID, Rating: b.Rating, Reviews: b.Reviews, Employees: b.Company.Employees, Tech: len(b.Company.Tech), Founded: b.Company.Founded,
		}
		for _, profile := range []string{b.Company.LinkedIn, b.Company.Twitter, b.Company.Facebook} {
			if profile != "" {
				t.Social++
			}
		}
		return t, true
	}
}

// tenDigits are the last digits of a number in any form.
func tenDigits(phone string) string {
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, phone)
	return digits[max(0, len(digits)-10):]
}
