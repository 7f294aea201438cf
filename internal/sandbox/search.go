package sandbox

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
	"strings"
	"unicode"

	"github.com/leadlake/leadlake/internal/sandbox/world"
)

// index finds listings of a provider by words and area, fast enough for a
// world of 100,000. Listings go by their index, whose order is that of keys.
type index struct {
	world      *world.World
	provider   string
	all        []world.Listing
	byCategory map[*world.Category][]int32
	byWord     map[string][]int32 // words of names, without the s of a plural
	fame       []float64          // rating and number of reviews in one
}

func newIndex(w *world.World, provider string) *index {
	x := &index{
		world: w, provider: provider, all: w.Listings(provider),
		byCategory: map[*world.Category][]int32{}, byWord: map[string][]int32{},
	}
	x.fame = make([]float64, len(x.all))
	for i := range x.all {
		l := &x.all[i]
		x.fame[i] = l.Rating * math.Log1p(float64(l.Reviews))
		x.byCategory[l.Category] = append(x.byCategory[l.Category], int32(i))
		for _, word := range tokens(l.Name) {
			word = singular(word)
			if list := x.byWord[word]; len(list) == 0 || list[len(list)-1] != int32(i) {
				x.byWord[word] = append(list, int32(i))
			}
		}
	}
	return x
}

func tokens(s string) []string {
	return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

func singular(word string) string { return strings.TrimSuffix(word, "s") }

// named says whether a word names a category.
func named(c *world.Category, word string) bool {
	fits := func(other string) bool { return singular(other) == word }
	return slices.ContainsFunc(c.Keywords, fits) || slices.ContainsFunc(tokens(c.Type), fits)
}

// words calls visit, in the order of keys, for each listing within area (nil
// for anywhere) that a word fits, with its relevance: 2 for each word that
// names its category and 1 for each in its name.
func (x *index) words(words []string, area *world.Box, visit func(i int32, relevance float64)) {
	inName := make([][]int32, len(words))
	ofCategory := map[*world.Category]float64{}
	var lists [][]int32
	for k, w := range words {
		w = singular(w)
		inName[k] = x.byWord[w]
		lists = append(lists, inName[k])
		for c := range x.byCategory {
			if named(c, w) {
				ofCategory[c] += 2
			}
		}
	}
	for c := range ofCategory {
		lists = append(lists, x.byCategory[c])
	}
	x.each(lists, area, func(i int32) {
		relevance := ofCategory[x.all[i].Category]
		for k := range inName {
			for len(inName[k]) > 0 && inName[k][0] < i {
				inName[k] = inName[k][1:]
			}
			if len(inName[k]) > 0 && inName[k][0] == i {
				relevance++
			}
		}
		if relevance > 0 {
			visit(i, relevance)
		}
	})
}

// each visits every listing of the area that is in one of the lists, and
// possibly some that are in none; in order, each once. No area is everywhere;
// nil lists are everything.
func (x *index) each(lists [][]int32, area *world.Box, visit func(i int32)) {
	if area != nil {
		near := x.world.Near(x.provider, *area)
		if len(near) == 0 {
			return
		}
		if lists == nil || total(near) < total(lists) {
			lists = near
		}
	}
	if lists == nil {
		for i := range x.all {
			visit(int32(i))
		}
		return
	}
	set := make([]uint64, (len(x.all)+63)/64)
	for _, list := range lists {
		for _, i := range list {
			set[i/64] |= 1 << (i % 64)
		}
	}
	for n, word := range set {
		for ; word != 0; word &= word - 1 {
			i := int32(n*64 + bits.TrailingZeros64(word))
			if area == nil || area.Contains(x.all[i].Lat, x.all[i].Lon) {
				visit(i)
			}
		}
	}
}

func total(lists [][]int32) int {
	n := 0
	for _, list := range lists {
		n += len(list)
	}
	return n
}

// best keeps the listings of the largest weights; the key breaks ties, so that
// pages never overlap.
type best struct {
	keep  int
	seen  int // all that were offered
	ranks []ranked
	full  bool
	floor float64 // once full, no weight below it has a chance
}

type ranked struct {
	i      int32
	weight float64
}

func (b *best) offer(i int32, weight float64) {
	b.seen++
	if b.full && weight <= b.floor { // a later key loses a tie
		return
	}
	b.ranks = append(b.ranks, ranked{i, weight})
	if len(b.ranks) >= 4*b.keep {
		b.cut()
	}
}

func (b *best) cut() {
	slices.SortFunc(b.ranks, func(x, y ranked) int {
		return cmp.Or(cmp.Compare(y.weight, x.weight), cmp.Compare(x.i, y.i))
	})
	if len(b.ranks) > b.keep {
		b.ranks = b.ranks[:b.keep]
	}
	if len(b.ranks) == b.keep {
		b.full, b.floor = true, b.ranks[b.keep-1].weight
	}
}

// list is the outcome, best first.
func (b *best) list(x *index) []*world.Listing {
	b.cut()
	out := make([]*world.Listing, len(b.ranks))
	for n, r := range b.ranks {
		out[n] = &x.all[r.i]
	}
	return out
}

// relevance is what words gives a listing; 0 where no word of the query fits.
func relevance(l *world.Listing, words []string) float64 {
	score := 0.0
	name := tokens(l.Name)
	for _, w := range words {
		w = singular(w)
		if named(l.Category, w) {
			score += 2
		}
		if slices.ContainsFunc(name, func(other string) bool { return singular(other) == w }) {
			score++
		}
	}
	return score
}
