package gbtree

import (
	"bytes"
	"encoding/json"
	"math"
	"regexp"
	"strings"
	"testing"

	"github.com/leadlake/leadlake"
)

// FuzzLoad holds any file to an error or a model that scores. Whether a file
// is read as JSON or as UBJSON is its own second byte.
func FuzzLoad(f *testing.F) {
	for _, file := range [][]byte{[]byte(handMade), ubj(f, handMade), []byte(handMadeLightGBM)} {
		f.Add(file)
		f.Add(file[:len(file)/2])
	}
	f.Fuzz(loads)
}

// FuzzLoad_of_other_values changes numbers of a good model, which blind
// changes of bytes hardly ever do.
func FuzzLoad_of_other_values(f *testing.F) {
	number := regexp.MustCompile(`-?[0-9][0-9.E+-]*|NaN`)
	places := map[string][][]int{}
	for _, text := range []string{handMade, handMadeLightGBM} {
		places[text] = number.FindAllStringIndex(text, -1)
	}
	f.Add(false, uint16(3), "-1", uint16(40), "2")
	f.Add(false, uint16(8), "1e39", uint16(8), "[]")
	f.Add(true, uint16(12), "4294967297", uint16(60), "null")
	f.Fuzz(func(t *testing.T, light bool, at uint16, value string, after uint16, other string) {
		text := handMade
		if light {
			text = handMadeLightGBM
		}
		numbers := places[text]
		first := int(at) % len(numbers)
		second := first + 1 + int(after)%(len(numbers)-first)
		if second < len(numbers) {
			text = text[:numbers[second][0]] + other + text[numbers[second][1]:]
		}
		text = text[:numbers[first][0]] + value + text[numbers[first][1]:]
		loads(t, []byte(text))
		if json.Valid([]byte(strings.ReplaceAll(text, "NaN", "null"))) {
			loads(t, ubj(t, text))
		}
	})
}

func loads(t *testing.T, file []byte) {
	t.Helper()
	m, err := Load(bytes.NewReader(file))
	if err != nil {
		if leadlake.ErrorCode(err) != leadlake.Invalid {
			t.Fatalf("the code of %v is %s", err, leadlake.ErrorCode(err))
		}
		return
	}
	width := len(m.FeatureNames())
	x := make([]float32, 3*width)
	for i := range x {
		if x[i] = float32(i%5) - 1; i%7 == 0 {
			x[i] = missing
		}
	}
	margins := make([]float64, 3*m.Outputs())
	phi := make([]float64, 3*m.Outputs()*(width+1))
	for _, err := range []error{m.Margins(margins, x), m.Probabilities(make([]float64, len(margins)), x), m.Contributions(phi, x)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for i, margin := range margins {
		sum, size := 0.0, 1.0
		for _, v := range phi[i*(width+1):][:width+1] {
			sum += v
			size += math.Abs(v)
		}
		if math.Abs(sum-margin) > 1e-4*size && size < 1e6 {
			t.Fatalf("contributions add up to %v, the margin is %v", sum, margin)
		}
	}
}
