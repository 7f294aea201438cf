package snapshot

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWordsFoldsCaseAccentsAndApostrophes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"":                      nil,
		"  -- & ":               nil,
		"Joe's Café, 24/7":      {"joes", "cafe", "24", "7"},
		"O’Reilly & Söhne GmbH": {"oreilly", "sohne", "gmbh"},
		"ﬁne Ｗｉｄｅ":              {"fine", "wide"},
		"寿司 Bar":                {"寿司", "bar"},
		"a\x00b\xffc":           {"a", "b", "c"},
	} {
		if diff := cmp.Diff(want, Words(text)); diff != "" && len(want)+len(Words(text)) > 0 {
			t.Errorf("Words(%q) (-want +got):\n%s", text, diff)
		}
	}
}

func FuzzWords(f *testing.F) {
	for _, seed := range []string{"Joe's Café", "a OR b*", "İstanbul", "\xff\xfe", "Å ﬁ ½"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		words := Words(text)
		if slices.Contains(words, "") {
			t.Errorf("Words(%q) holds an empty word", text)
		}
		if again := Words(strings.Join(words, " ")); !slices.Equal(words, again) {
			t.Errorf("words %q of %q become %q when they are searched for", words, text, again)
		}
	})
}
