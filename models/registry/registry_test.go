package registry

import (
	"bytes"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
)

func open(t *testing.T) (*Registry, *lake.Bucket) {
	t.Helper()
	b := lake.NewMemBucket()
	at := time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)
	return New(b, func() time.Time { at = at.Add(time.Second); return at }), b
}

func add(t *testing.T, r *Registry, content string) string {
	t.Helper()
	card, err := r.Add(t.Context(), Card{Name: "fitness", Kind: "logistic"}, map[string][]byte{"model.json": []byte(content)})
	if err != nil {
		t.Fatal(err)
	}
	return card.Version
}

func champion(t *testing.T, r *Registry) string {
	t.Helper()
	version, err := r.Champion(t.Context(), "fitness")
	if err != nil {
		t.Fatal(err)
	}
	return version
}

func TestRegistry_the_rules_score_until_a_version_is_promoted_and_after_rolling_back(t *testing.T) {
	t.Parallel()
	r, _ := open(t)
	one, two := add(t, r, "one"), add(t, r, "two")
	if got := champion(t, r); got != Baseline {
		t.Fatalf("before: %s", got)
	}
	for _, version := range []string{one, two} {
		if err := r.Promote(t.Context(), "fitness", version, "ann", "better"); err != nil {
			t.Fatal(err)
		}
		if got := champion(t, r); got != version {
			t.Fatalf("champion %s, want %s", got, version)
		}
	}
	for _, want := range []string{one, Baseline} {
		got, err := r.Rollback(t.Context(), "fitness", "ann", "worse")
		if err != nil || got != want || champion(t, r) != want {
			t.Fatalf("rolled back to %s, %v, want %s", got, err, want)
		}
	}
	if _, err := r.Rollback(t.Context(), "fitness", "ann", ""); leadlake.ErrorCode(err) != leadlake.NotFound {
		t.Fatalf("before the rules: %v", err)
	}
	all, err := r.Promotions(t.Context(), "fitness")
	if err != nil || len(all) != 4 {
		t.Fatalf("%d promotions, %v: the past has to stay", len(all), err)
	}
}

func TestRegistry_equal_files_are_one_version_and_others_another(t *testing.T) {
	t.Parallel()
	r, _ := open(t)
	if one, again, two := add(t, r, "one"), add(t, r, "one"), add(t, r, "two"); one != again || one == two {
		t.Fatalf("versions %s, %s, %s", one, again, two)
	}
	cards, err := r.Versions(t.Context(), "fitness")
	if err != nil || len(cards) != 2 {
		t.Fatalf("%d cards, %v", len(cards), err)
	}
	names, err := r.Names(t.Context())
	if err != nil || !slices.Equal(names, []string{"fitness"}) {
		t.Fatalf("names %v, %v", names, err)
	}
}

func TestRegistry_a_changed_artefact_is_refused(t *testing.T) {
	t.Parallel()
	r, b := open(t)
	version := add(t, r, "one")
	_, files, err := r.Get(t.Context(), "fitness", version)
	if err != nil || string(files["model.json"]) != "one" {
		t.Fatalf("%q, %v", files, err)
	}
	if err := b.Put(t.Context(), "registry/fitness/versions/"+version+"/model.json", bytes.NewReader([]byte("two"))); err != nil {
		t.Fatal(err)
	}
	var known *leadlake.Error
	if _, _, err := r.Get(t.Context(), "fitness", version); !errors.As(err, &known) || known.Fix == "" {
		t.Fatalf("changed artefact: %v", err)
	}
}

func TestRegistry_what_is_not_there_is_said(t *testing.T) {
	t.Parallel()
	r, _ := open(t)
	for _, version := range []string{"20261125-00000000", "../up", ""} {
		if err := r.Promote(t.Context(), "fitness", version, "ann", ""); err == nil {
			t.Errorf("version %q was promoted", version)
		}
	}
	if _, err := r.Champion(t.Context(), "../fitness"); leadlake.ErrorCode(err) != leadlake.Invalid {
		t.Errorf("odd name: %v", err)
	}
}

func TestRegistry_of_promotions_at_the_same_time_each_has_its_number(t *testing.T) {
	t.Parallel()
	r, _ := open(t)
	version := add(t, r, "one")
	r.now = time.Now
	var wins sync.WaitGroup
	var lock sync.Mutex
	won := 0
	for range 8 {
		wins.Go(func() {
			err := r.Promote(t.Context(), "fitness", version, "ann", "")
			lock.Lock()
			defer lock.Unlock()
			if err == nil {
				won++
			} else if leadlake.ErrorCode(err) != leadlake.Conflict {
				t.Errorf("promote: %v", err)
			}
		})
	}
	wins.Wait()
	if all, err := r.Promotions(t.Context(), "fitness"); err != nil || len(all) != won || won == 0 {
		t.Fatalf("%d promotions of %d that won, %v", len(all), won, err)
	}
}
