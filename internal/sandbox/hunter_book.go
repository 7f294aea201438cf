package sandbox

import (
	"strings"
	"sync"

	"github.com/leadlake/leadlake/internal/sandbox/world"
)

// firmBook finds what a provider knows by domain, by name and by person.
type firmBook struct {
	all      []*firm
	byDomain map[string]*firm
	byName   map[string]*firm
	byEmail  map[string]*employee
	byHandle map[string]*employee
}

func newFirmBook(w *world.World, provider string) *firmBook {
	b := &firmBook{
		all: firms(w, provider), byDomain: map[string]*firm{}, byName: map[string]*firm{},
		byEmail: map[string]*employee{}, byHandle: map[string]*employee{},
	}
	for _, f := range b.all {
		b.byDomain[f.Domain] = f
		b.byName[permalink(f.Name)] = f
		for i := range f.people {
			if e := &f.people[i]; e.Email != "" {
				b.byEmail[e.Email] = e
				b.byHandle[memberPage(e)] = e
			}
		}
	}
	return b
}

// find takes a domain or, without one, the name of a company.
func (b *firmBook) find(domain, name string) *firm {
	if domain != "" {
		return b.byDomain[domainOf(domain)]
	}
	return b.byName[permalink(name)]
}

// memberPage is the last part of the address of a person's page. It carries the
// company, because two of this world's people may share a name.
func memberPage(e *employee) string { return permalink(e.First + " " + e.Last + " " + e.firm.Domain) }

// firstTimes remembers what was asked for before.
type firstTimes struct {
	mu   sync.Mutex
	seen map[string]bool
}

// first is true once a question.
func (f *firstTimes) first(question ...string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.seen == nil {
		f.seen = map[string]bool{}
	}
	key := strings.Join(question, "\x00")
	was := f.seen[key]
	f.seen[key] = true
	return !was
}
