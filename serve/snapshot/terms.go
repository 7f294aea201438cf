package snapshot

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/leadlake/leadlake"
)

// A term is what a lead can be found by: a kind and a value.
const (
	kindCampaign = "campaign="
	kindTier     = "tier="
	kindVertical = "vertical="
	kindRegion   = "region="
	kindWord     = "word="
)

// minPrefix is the length from which the last word of a text may be
// unfinished: shorter ones would unite a large share of all words.
const minPrefix = 3

// maxWords bounds the words of one text; further ones are ignored.
const maxWords = 8

// termRange covers the terms from one to another, both included.
type termRange struct{ from, to string }

// terms lists what the filter intersects. It is false where the text holds no
// word at all, so that nothing can match.
func (f Filter) terms() ([]termRange, bool) {
	var terms []termRange
	exact := func(kind, value string) {
		if value != "" {
			terms = append(terms, termRange{kind + value, kind + value})
		}
	}
	exact(kindTier, string(f.Tier))
	exact(kindRegion, f.Region)
	words := Words(f.Text)
	if len(words) == 0 && f.Text != "" {
		return nil, false
	}
	last := len(words) - 1
	for _, w := range words[:min(len(words), maxWords)] {
		exact(kindWord, w)
	}
	if last >= 0 && last < maxWords && utf8.RuneCountInString(words[last]) >= minPrefix {
		terms[len(terms)-1].to += string(unicode.MaxRune)
	}
	exact(kindVertical, string(f.Vertical))
	exact(kindCampaign, f.CampaignID)
	return terms, true
}

// leadTerms calls add with each term of a lead; a term may come more than once.
func leadTerms(l *leadlake.CanonicalLead, add func(term string)) {
	add(kindCampaign + l.CampaignID)
	add(kindTier + string(l.PriorityTier))
	add(kindVertical + string(l.Vertical))
	words := func(text string) {
		for _, w := range Words(text) {
			add(kindWord + w)
		}
	}
	words(l.Name)
	words(l.LegalEntity.Name)
	for _, list := range [][]string{l.LegalEntity.AltNames, l.Domains, l.Tags} {
		for _, text := range list {
			words(text)
		}
	}
	if l.Brand.Name != nil {
		words(*l.Brand.Name)
	}
	if l.Address != nil {
		add(kindRegion + strings.ToUpper(l.Address.Region))
		words(l.Address.City)
	}
}

// Words cuts a text into the words that it is searched by: letters and digits
// in lower case without accents. An apostrophe joins: "Joe's" is "joes".
func Words(text string) []string {
	return strings.FieldsFunc(fold(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
}

func fold(text string) string {
	plain := true
	for i := 0; i < len(text) && plain; i++ {
		plain = text[i] < utf8.RuneSelf
	}
	if !plain {
		text = norm.NFKD.String(text)
	}
	return strings.Map(func(r rune) rune {
		if r == '\'' || r == '’' || unicode.Is(unicode.Mn, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, text)
}
