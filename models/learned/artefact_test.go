package learned

import (
	"strings"
	"testing"

	"github.com/leadlake/leadlake"
)

func artefactOf(columns string) string {
	return `{"format":1,"kind":"logistic","encoding":{"columns":[` + columns + `]},"tiers":[{"name":"C","min":0}]}`
}

func TestReadArtefact_columns_that_would_stay_unfilled_are_refused(t *testing.T) {
	t.Parallel()
	const gym, spa, age = `{"feature":"category","kind":"level","level":"gym"}`, `{"feature":"category","kind":"level","level":"spa"}`, `{"feature":"age_years","kind":"number"}`
	if _, err := ReadArtefact([]byte(artefactOf(gym + "," + spa + "," + age))); err != nil {
		t.Fatalf("levels side by side: %v", err)
	}
	for _, columns := range []string{
		gym + "," + age + "," + spa, age + "," + age, gym + "," + gym, `{"feature":"age_years","kind":"odd"}`,
		gym + `,{"feature":"category","kind":"number"}`,
	} {
		if _, err := ReadArtefact([]byte(artefactOf(columns))); leadlake.ErrorCode(err) != leadlake.Invalid || !strings.Contains(err.Error(), "column") {
			t.Errorf("%s: %v", columns, err)
		}
	}
}

func FuzzReadArtefact(f *testing.F) {
	f.Add(artefactOf(`{"feature":"age_years","kind":"number"}`))
	f.Add(`{}`)
	f.Fuzz(func(t *testing.T, text string) {
		a, err := ReadArtefact([]byte(text))
		if err != nil {
			return
		}
		in := leads(2, 1)
		defer in.Release()
		// It may refuse a column, but not fall over it.
		_ = a.Encoding.Fill(make([]float32, 2*len(a.Encoding.Columns)), in)
	})
}
