package transforms

import (
	"slices"
	"testing"

	"github.com/leadlake/leadlake/lake"
)

func TestWords_are_a_set_in_one_spelling(t *testing.T) {
	t.Parallel()
	book := newWordBook()
	for _, c := range []struct {
		key  string
		want []string
	}{
		{"yoga and pilates yoga ctr", []string{"center", "pilates", "yoga"}},
		{"ace plumbing svcs", []string{"ace", "plumbing", "service"}},
		{"the", nil},
		{"", nil},
		{"東京駅前 cafe", []string{"cafe", "京駅", "東京", "駅前"}}, // no spaces: pairs of characters
	} {
		if got := book.words(c.key); !slices.Equal(got, c.want) {
			t.Errorf("%q: got %q, want %q", c.key, got, c.want)
		}
	}
}

func TestToken_holds_weight_and_kind(t *testing.T) {
	t.Parallel()
	book := newWordBook()
	for _, c := range []struct {
		word         string
		unit, number bool
	}{{"plumbing", false, false}, {"atm", true, false}, {"12b", false, true}, {"d", false, true}} {
		token := book.token(c.word, maxTokenWeight)
		if token < 0 || token>>tokenWeightBit != maxTokenWeight {
			t.Errorf("%s: the weight of %d is not %d", c.word, token, maxTokenWeight)
		}
		if (token>>tokenUnitBit)&1 == 1 != c.unit || (token>>tokenDigitBit)&1 == 1 != c.number {
			t.Errorf("%s: unit or number is wrong in %b", c.word, token)
		}
	}
	if rare, common := tokenWeight(1000, 1), tokenWeight(1000, 900); rare <= common || common < 0 {
		t.Errorf("a rare word weighs %d, a common one %d", rare, common)
	}
}

// A word is first seen in one batch and then in many others, whose memory goes
// as they are done with: it must weigh the same whatever was reused meanwhile.
func TestNameTokens_weigh_every_word(t *testing.T) {
	t.Parallel()
	l, err := lake.Open(t.Context(), lake.Config{Home: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s, err := l.Session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, statement := range []string{
		"create schema if not exists scratch.intermediate",
		"create table scratch.intermediate.int_names as select i as record_id, 'word' || (i % 997) || ' other' || (i % 13) as name_key from range(1, 60000) as r(i)",
		"create table scratch.intermediate.int_records_kept as select record_id from scratch.intermediate.int_names",
	} {
		if err := s.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		if err := NameTokens(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		var rows, weights, least int64
		const query = "select count(*), count(distinct name_weight), min(name_weight) from scratch.intermediate.int_name_tokens"
		if err := s.QueryRow(t.Context(), query).Scan(&rows, &weights, &least); err != nil {
			t.Fatal(err)
		}
		if want := tokenWeight(59999, 60) + tokenWeight(59999, 4615); rows != 59999 || least != want || weights > 2 {
			t.Fatalf("%d rows, %d different weights, the least %d, want 59999, at most 2, %d", rows, weights, least, want)
		}
	}
}
