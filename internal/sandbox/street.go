package sandbox

import "strings"

// streetKey is a street line in one form: "123 North Pearl Street, Ste 4" and
// "123 N Pearl St #4" are one.
func streetKey(line string) string {
	return strings.Join(streetWords(line), " ")
}

// streetWords are the words of a street line, short, without a unit.
func streetWords(line string) []string {
	line, _, _ = strings.Cut(line, "#")
	var words []string
	for _, w := range tokens(line) {
		if short, ok := streetShort[w]; ok {
			w = short
		}
		if len(words) > 0 && (w == "ste" || w == "suite" || w == "unit" || w == "apt") {
			break
		}
		words = append(words, w)
	}
	return words
}

var streetShort = map[string]string{
	"avenue": "ave", "boulevard": "blvd", "street": "st", "road": "rd", "drive": "dr", "parkway": "pkwy",
	"north": "n", "south": "s", "east": "e", "west": "w",
}
