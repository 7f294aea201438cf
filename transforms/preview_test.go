package transforms

import (
	"os"
	"path/filepath"
	"testing"
)

func TestPreview_changes_nothing_until_it_is_applied(t *testing.T) {
	t.Parallel()
	w := newTown(t, 7)
	m := MatchState{Path: filepath.Join(t.TempDir(), "state.duckdb")}
	w.add(150)
	w.link(6)
	w.write()
	m.Links = w.links
	if _, err := m.Resolve(t.Context(), w.session, Changes{Records: w.records}, nil); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(m.Path)
	if err != nil {
		t.Fatal(err)
	}
	preview := func(p Preview) Previewed {
		t.Helper()
		got, err := m.Preview(t.Context(), w.session, p)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if same := preview(Preview{Threshold: 0.5}); same.PairsWon+same.PairsLost+same.LeadsMerged+same.LeadsSplit != 0 || same.LeadsNow != same.LeadsThen {
		t.Errorf("the threshold that holds changes something: %+v", same)
	}
	shipped := preview(Preview{Model: defaultMatchModel})
	if shipped.PairsWon+shipped.PairsLost != 0 {
		t.Errorf("the shipped model, adapted to the same pairs, changes something: %+v", shipped)
	}
	strict := preview(Preview{Threshold: 0.999, Samples: 3})
	if strict.PairsLost == 0 || strict.PairsWon != 0 || strict.LeadsThen <= strict.LeadsNow || strict.LeadsSplit == 0 || len(strict.Samples) != 3 {
		t.Errorf("a threshold of 0.999: %+v", strict)
	}
	if q := strict.Then; q.Matches == 0 || q.Others == 0 || q.Right > strict.Now.Right {
		t.Errorf("labels of people: %+v now, %+v then", strict.Now, q)
	}
	for _, s := range strict.Samples {
		if s.IsWon || s.WeightThen >= s.WeightNow || s.LeftValues == "" || s.Evidence == "" {
			t.Errorf("a lost pair: %+v", s)
		}
	}
	after, err := os.ReadFile(m.Path)
	if err != nil || string(after) != string(before) {
		t.Errorf("a preview wrote to the state: error %v", err)
	}
	// Applied, it is what resolving everything by the stricter weights gives,
	// and the next resolution keeps it.
	preview(Preview{Threshold: 0.999, Apply: true})
	w.rebuild(m)
	w.change(5)
	w.write()
	u, err := m.Resolve(t.Context(), w.session, Changes{Records: w.records}, nil)
	if err != nil || u.IsFull {
		t.Errorf("the next resolution: %+v, error %v", u, err)
	}
	w.rebuild(m)
	if back := preview(Preview{Threshold: 0.5}); back.PairsWon == 0 || back.PairsLost != 0 {
		t.Errorf("back to 0.5: %+v", back)
	}
}
