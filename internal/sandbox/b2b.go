package sandbox

import (
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/leadlake/leadlake/internal/sandbox/world"
	"github.com/leadlake/leadlake/internal/taxonomy"
)

// What the providers of firms have in common: Crunchbase, Apollo and PDL.

// Keys with a meaning, in every provider: each is refused in the provider's own
// way. All others work.
const (
	keyInvalid    = "invalid"
	keyNoCredit   = "nocredit"   // what was bought is used up
	keyNoContract = "nocontract" // the plan does not have it
)

// firm is a listing with what follows from it.
type firm struct {
	*world.Listing
	concept taxonomy.Concept // how providers call its trade
	people  []employee
}

// employee is a person at a firm, with an id of the provider's.
type employee struct {
	world.Person
	id   string // 24 hex digits
	firm *firm
}

// firms reads what a provider knows, in the order of its keys.
func firms(w *world.World, provider string) []*firm {
	concepts := map[string]taxonomy.Concept{}
	for _, c := range taxonomy.All() {
		concepts[c.ID] = c
	}
	all := w.Listings(provider)
	out := make([]*firm, len(all))
	for i := range all {
		f := &firm{Listing: &all[i], concept: concepts[all[i].Category.Type]}
		for n, p := range all[i].Company.People {
			f.people = append(f.people, employee{Person: p, id: hash(fmt.Sprint("person ", provider, all[i].Key, n))[:24], firm: f})
		}
		out[i] = f
	}
	return out
}

// hash is 32 hex digits that depend on s alone.
func hash(s string) string {
	h := fnv.New128a()
	h.Write([]byte(s))
	return hex.EncodeToString(h.Sum(nil))
}

// roll is a number from 0 to n-1 that depends on its purpose and a key alone.
func roll(purpose, key string, n int) int {
	h := fnv.New64a()
	h.Write([]byte(purpose + " " + key))
	// The low bits of FNV of texts that end alike are alike; the high ones are not.
	return int(h.Sum64() >> 33 % uint64(n)) //nolint:gosec // less than n
}

// derivedUUID is a uuid that depends on s alone.
func derivedUUID(s string) string {
	h := hash(s)
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-a" + h[17:20] + "-" + h[20:]
}

// permalink is s as it stands in an address.
func permalink(s string) string {
	s = strings.ReplaceAll(strings.ToLower(s), "'", "")
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	}), "-")
}

// titled writes a permalink as a name: "home-services" is "Home Services".
func titled(s string) string {
	words := strings.FieldsFunc(s, func(r rune) bool { return r == '-' || r == ' ' || r == '_' })
	for i, w := range words {
		words[i] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(words, " ")
}

// countryNames are the countries that a metro area can lie in.
var countryNames = map[string]string{"US": "United States", "CA": "Canada", "GB": "United Kingdom"}

// domainOf is the host of an address without "www.", in lower case.
func domainOf(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	if _, after, ok := strings.Cut(s, "://"); ok {
		s = after
	}
	s, _, _ = strings.Cut(s, "/")
	s, _, _ = strings.Cut(s, "?")
	return strings.TrimPrefix(s, "www.")
}

// handleOf is the last part of the address of a profile.
func handleOf(s string) string {
	s = strings.TrimRight(strings.ToLower(strings.TrimSpace(s)), "/")
	return s[strings.LastIndexByte(s, '/')+1:]
}

// sized says whether the firm is in a range of employees, both ends included.
func (f *firm) sized(low, high int) bool {
	return f.Company.Employees >= low && f.Company.Employees <= high
}

// orNull is null where v is the zero value: some providers print every field.
func orNull[T comparable](v T) any {
	var zero T
	if v == zero {
		return nil
	}
	return v
}

// spent counts the credits of each key.
type spent struct {
	mu   sync.Mutex
	used map[string]int
}

// add counts n credits and returns the sum.
func (s *spent) add(key string, n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.used == nil {
		s.used = map[string]int{}
	}
	s.used[key] += n
	return s.used[key]
}

// listParam reads a parameter that may be repeated or hold commas.
func listParam(r *http.Request, name string) []string {
	var out []string
	for _, v := range r.URL.Query()[name] {
		for part := range strings.SplitSeq(v, ",") {
			if part = strings.TrimSpace(part); part != "" {
				out = append(out, part)
			}
		}
	}
	return out
}

// anyFold says whether any of the words is s, whatever the case.
func anyFold(words []string, s string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(w, s) })
}
