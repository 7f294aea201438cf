package transforms

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSampleMasksPersonalDataAndIsShort(t *testing.T) {
	t.Parallel()
	c := rowCheck{pii: []string{"email", "phone"}}
	tests := map[string]string{
		`{"id":12345678901234567890,"email":"a@b.example","phone":null}`: `{"email":"***","id":12345678901234567890,"phone":null}`,
		`{"id":1}`:    `{"id":1}`,
		`{"id": nan}`: "a row that cannot be shown",
	}
	for text, want := range tests {
		if got := c.shown(text); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
	long := c.shown(`{"name":"` + strings.Repeat("é", 1000) + `"}`)
	if len(long) > sampleBytes+3 || !utf8.ValidString(long) || !strings.HasSuffix(long, "...") {
		t.Errorf("got %d bytes: %s", len(long), long)
	}
}
