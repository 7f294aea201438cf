package transforms

import (
	"slices"
	"strings"
)

// Nearest returns up to three of the names, those most like the one given
// first: by edit distance, where a table of the same name in another schema
// counts as close.
func Nearest(name string, names []string) []string {
	distance := func(candidate string) int {
		d := editDistance(name, candidate)
		_, table, _ := strings.Cut(name, ".")
		if _, other, ok := strings.Cut(candidate, "."); ok && table != "" {
			d = min(d, 1+editDistance(table, other))
		}
		return d
	}
	sorted := slices.Clone(names)
	slices.SortStableFunc(sorted, func(a, b string) int { return distance(a) - distance(b) })
	return sorted[:min(3, len(sorted))]
}

// editDistance counts the insertions, deletions and changes between two texts.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
