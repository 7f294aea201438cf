package csv

import (
	"bytes"
	"encoding/csv"
	"io"
	"strings"
	"testing"

	"github.com/leadlake/leadlake/lake"
	"github.com/leadlake/leadlake/serve/deliver"
	"github.com/leadlake/leadlake/serve/deliver/delivertest"
)

func bench(t *testing.T) delivertest.Bench {
	m, err := deliver.DefaultMapping("csv")
	if err != nil {
		t.Fatal(err)
	}
	var columns []string
	for _, f := range m.Fields {
		columns = append(columns, f.To)
	}
	bucket := lake.NewMemBucket()
	return delivertest.Bench{
		To: New(Config{Columns: columns}), Mapping: m, Bucket: bucket,
		Effects: func(key string) int { return count(t, bucket, key) },
	}
}

// count is in how many lines of all objects a key is created.
func count(t *testing.T, b *lake.Bucket, key string) (n int) {
	t.Helper()
	for o, err := range b.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(o.Key, ".csv") {
			continue
		}
		r, err := b.Get(t.Context(), o.Key)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		r.Close()
		if err != nil {
			t.Fatal(err)
		}
		lines, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range lines {
			if line[0] == "create" && line[1] == key {
				n++
			}
		}
	}
	return n
}

func TestDestination_passes_the_suite(t *testing.T) {
	t.Parallel()
	delivertest.Run(t, bench)
}

func TestCell_is_never_a_formula(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"=1+1": "'=1+1", "+cmd|' /C calc'!A0": "'+cmd|' /C calc'!A0", "-2+3": "'-2+3", "@sum": "'@sum", "\tx": "'\tx",
		"+15015550101": "+15015550101", "-4.5": "-4.5", "Firm": "Firm", "": "", "a\r\nb": "a \nb", "'=x": "'=x",
	} {
		if got := Cell(text); got != want {
			t.Errorf("the cell of %q is %q, want %q", text, got, want)
		}
	}
}
