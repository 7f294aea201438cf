package transforms

import (
	"context"
	_ "embed"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/leadlake/leadlake/lake"
)

// nameSchema is intermediate.int_name_tokens: one row per record with a name.
var nameSchema = arrow.NewSchema([]arrow.Field{
	{Name: "record_id", Type: arrow.PrimitiveTypes.Int64},
	{Name: "name_key", Type: arrow.BinaryTypes.String},
	{Name: "words", Type: arrow.ListOf(arrow.BinaryTypes.String)},         // sorted, distinct, one spelling for what lists abbreviate
	{Name: "tokens", Type: arrow.ListOf(arrow.PrimitiveTypes.Int64)},      // the same words as numbers: see token
	{Name: "rare_tokens", Type: arrow.ListOf(arrow.PrimitiveTypes.Int64)}, // the two rarest of them, for blocking
	{Name: "name_weight", Type: arrow.PrimitiveTypes.Int64},               // sum of the tokens' weights
	{Name: "initials", Type: arrow.BinaryTypes.String, Nullable: true},    // sorted first letters of two words or more
	{Name: "letters", Type: arrow.BinaryTypes.String, Nullable: true},     // sorted letters of a name that may be initials
}, nil)

//go:embed name_words.txt
var nameWordList string

// wordBook knows the words that names are made of.
type wordBook struct {
	spelling map[string]string // abbreviation to word; "" for a word that tells nothing
	unit     map[string]bool   // words for a part of a business that is listed by itself
}

// newWordBook reads name_words.txt.
func newWordBook() wordBook {
	book := wordBook{spelling: map[string]string{}, unit: map[string]bool{}}
	for line := range strings.Lines(nameWordList) {
		line, _, _ = strings.Cut(line, "#")
		kind, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		words := strings.Fields(rest)
		switch kind {
		case "":
		case "stop":
			for _, w := range words {
				book.spelling[w] = ""
			}
		case "unit":
			for _, w := range words {
				book.unit[w] = true
			}
		default:
			for _, w := range words {
				book.spelling[w] = kind
			}
		}
	}
	return book
}

// words are the distinct words of a name key, sorted. Runs of a script without
// spaces become pairs of characters.
func (b wordBook) words(key string) []string { return b.appendWords(nil, key) }

// appendWords is words into a slice that is used again: a run takes some
// millions of names apart.
func (b wordBook) appendWords(out []string, key string) []string {
	for w := range strings.FieldsSeq(key) {
		if to, known := b.spelling[w]; known {
			w = to
		}
		switch {
		case w == "":
		case w[0] >= utf8.RuneSelf && isUnspaced(w):
			runes := []rune(w)
			for i := 0; i+2 <= len(runes); i++ {
				out = append(out, string(runes[i:i+2]))
			}
			if len(runes) == 1 {
				out = append(out, w)
			}
		default:
			out = append(out, w)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func isUnspaced(w string) bool {
	for _, r := range w {
		if unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar) {
			return true
		}
	}
	return false
}

// A token is a word as a number, so that sets of words are compared fast:
// bits 57 to 61 hold its weight, bit 56 whether it names a part of a business,
// bit 55 whether it is a number or a single letter, the rest a hash. The
// macros of sql/prelude/duckdb.sql read them.
const (
	tokenWeightBit = 57
	tokenUnitBit   = 56
	tokenDigitBit  = 55
	maxTokenWeight = 31
)

// tokenWeight is twice the inverse document frequency in nats, 0 to 31.
func tokenWeight(records, df int64) int64 {
	if df < 1 {
		df = 1
	}
	return min(maxTokenWeight, int64(math.Round(2*math.Log(float64(records+1)/float64(df)))))
}

func (b wordBook) token(w string, weight int64) int64 {
	h := fnv.New64a()
	h.Write([]byte(w))
	t := int64(h.Sum64()&(1<<tokenDigitBit-1)) | weight<<tokenWeightBit
	if b.unit[w] {
		t |= 1 << tokenUnitBit
	}
	if isNumber(w) {
		t |= 1 << tokenDigitBit
	}
	return t
}

// isNumber says whether a word tells siblings apart: "2", "12b", "D".
func isNumber(w string) bool {
	if utf8.RuneCountInString(w) == 1 {
		return true
	}
	return w[0] >= '0' && w[0] <= '9'
}

// NameTokens builds intermediate.int_name_tokens from int_names. How often a
// word occurs decides what it weighs, so names are read twice.
func NameTokens(ctx context.Context, s *lake.Session) error {
	book := newWordBook()
	const query = "select record_id, name_key from intermediate.int_names where record_id >= %d and record_id < %d"
	var mu sync.Mutex
	var idle []*wordCounter // one a goroutine, in the end
	records := int64(0)
	count := func(in arrow.RecordBatch) arrow.RecordBatch {
		mu.Lock()
		counter := &wordCounter{places: map[string]int{}}
		if n := len(idle); n > 0 {
			counter, idle = idle[n-1], idle[:n-1]
		}
		mu.Unlock()
		keys := in.Column(1).(*array.String)
		for row := range keys.Len() {
			counter.add(book, keys.Value(row))
		}
		mu.Lock()
		defer mu.Unlock()
		idle = append(idle, counter)
		records += int64(keys.Len())
		in.Retain()
		return in
	}
	if err := eachRange(ctx, s, query, count, func([]arrow.RecordBatch) error { return nil }); err != nil {
		return fmt.Errorf("count the words of names: %w", err)
	}
	frequency := map[string]int64{}
	for _, counter := range idle {
		for w, place := range counter.places {
			frequency[w] += counter.counts[place]
		}
	}
	tokens := make(map[string]int64, len(frequency))
	for w, n := range frequency {
		tokens[w] = book.token(w, tokenWeight(records, n))
	}
	return convertTable(ctx, s, "scratch.intermediate.int_name_tokens", query, nameSchema, func(in arrow.RecordBatch) arrow.RecordBatch {
		return book.batch(in, tokens)
	})
}

// wordCounter counts in how many names words are.
type wordCounter struct {
	places map[string]int // in counts
	counts []int64
	words  []string // of one name
}

func (c *wordCounter) add(book wordBook, key string) {
	c.words = book.appendWords(c.words[:0], key)
	for _, w := range c.words {
		place, known := c.places[w]
		if !known {
			place = len(c.counts)
			c.places[strings.Clone(w)] = place // w is a part of the batch's memory
			c.counts = append(c.counts, 0)
		}
		c.counts[place]++
	}
}

// batch turns (record_id, name_key) into nameSchema.
func (b wordBook) batch(in arrow.RecordBatch, tokens map[string]int64) arrow.RecordBatch {
	ids, keys := in.Column(0).(*array.Int64), in.Column(1).(*array.String)
	out := array.NewRecordBuilder(memory.DefaultAllocator, nameSchema)
	defer out.Release()
	n := ids.Len()
	for _, f := range out.Fields() {
		f.Reserve(n)
	}
	recordIDs, nameKeys, sums := out.Field(0).(*array.Int64Builder), out.Field(1).(*array.StringBuilder), out.Field(5).(*array.Int64Builder)
	words, numbers, rare := out.Field(2).(*array.ListBuilder), out.Field(3).(*array.ListBuilder), out.Field(4).(*array.ListBuilder)
	wordValues, numberValues, rareValues := words.ValueBuilder().(*array.StringBuilder), numbers.ValueBuilder().(*array.Int64Builder), rare.ValueBuilder().(*array.Int64Builder)
	var own []string
	var letters acronymist
	for row := range n {
		key := keys.Value(row)
		recordIDs.Append(ids.Value(row))
		nameKeys.Append(key)
		words.Append(true)
		numbers.Append(true)
		rare.Append(true)
		sum, rarest := int64(0), [2]int64{}
		own = b.appendWords(own[:0], key)
		for _, w := range own {
			t := tokens[w]
			wordValues.Append(w)
			numberValues.Append(t)
			sum += t >> tokenWeightBit
			if t > rarest[0] {
				rarest[0], rarest[1] = t, rarest[0]
			} else if t > rarest[1] {
				rarest[1] = t
			}
		}
		for _, t := range rarest {
			if t != 0 {
				rareValues.Append(t)
			}
		}
		sums.Append(sum)
		letters.read(key)
		appendRunes(out.Field(6), letters.initials)
		appendRunes(out.Field(7), letters.letters)
	}
	return out.NewRecordBatch()
}

// acronymist finds the letters that a name may be abbreviated to, and those
// that it may be an abbreviation by. They are sorted, because some lists put a
// name's last word first.
type acronymist struct {
	initials []rune // of two words or more
	letters  []rune // of a name of two to six
}

func (a *acronymist) read(key string) {
	a.initials, a.letters = a.initials[:0], a.letters[:0]
	begins, length := true, 0
	for _, r := range key {
		switch {
		case r == ' ':
			begins = true
			continue
		case begins:
			a.initials = append(a.initials, r)
		}
		begins = false
		if length++; length <= 6 {
			a.letters = append(a.letters, r)
		}
	}
	if len(a.initials) < 2 {
		a.initials = a.initials[:0]
	}
	if length < 2 || length > 6 {
		a.letters = a.letters[:0]
	}
	slices.Sort(a.initials)
	slices.Sort(a.letters)
}

// appendRunes appends a string, or null for an empty one.
func appendRunes(b array.Builder, runes []rune) {
	if len(runes) == 0 {
		b.AppendNull()
		return
	}
	text := b.(*array.StringBuilder)
	buffer := make([]byte, 0, 64) // on the stack
	for _, r := range runes {
		buffer = utf8.AppendRune(buffer, r)
	}
	text.BinaryBuilder.Append(buffer)
}
