package world

import (
	"strings"
	"unicode"
)

// misspell swaps or drops one letter inside a word of five letters or more.
func misspell(d *dice, s string) string {
	words := strings.Split(s, " ")
	start := d.IntN(len(words))
	for k := range words {
		i := (start + k) % len(words)
		letters := []rune(words[i])
		if len(letters) < 5 || !unicode.IsLetter(letters[2]) {
			continue
		}
		at := 1 + d.IntN(len(letters)-3)
		if d.chance(0.5) {
			letters[at], letters[at+1] = letters[at+1], letters[at]
		} else {
			letters = append(letters[:at], letters[at+1:]...)
		}
		words[i] = string(letters)
		break
	}
	return strings.Join(words, " ")
}

// abbreviate writes common words short, as directories do.
var abbreviate = strings.NewReplacer(
	" & ", " and ", "Services", "Svcs", "Service", "Svc", "Company", "Co", "Contractors", "Contr",
	"Brothers", "Bros", "Construction", "Constr", "Plumbing", "Plbg", "Electrical", "Elec", "Heating", "Htg",
)

// spellStreet writes street types and directions out, as registers do.
var spellStreet = strings.NewReplacer(
	" Ave", " Avenue", " Blvd", " Boulevard", " St", " Street", " Rd", " Road", " Dr", " Drive", " Pkwy", " Parkway",
	" N ", " North ", " S ", " South ", " E ", " East ", " W ", " West ",
)
