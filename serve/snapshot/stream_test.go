package snapshot

import (
	"encoding/json"
	"os"
	"slices"
	"testing"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/serve/snapshot/snapshottest"
)

func TestStream_gives_what_the_service_lists(t *testing.T) {
	t.Parallel()
	l := snapshottest.Filled(t, 300)
	s := built(t, l)
	dir := t.TempDir()
	if len(s.Campaigns()) < 2 {
		t.Fatalf("%d campaigns", len(s.Campaigns()))
	}
	campaign := s.Campaigns()[0].CampaignID
	stream := func(sel Selection) (ids []string) {
		t.Helper()
		for text, err := range Stream(t.Context(), l, dir, sel) {
			var lead leadlake.CanonicalLead
			if err == nil {
				err = json.Unmarshal(text, &lead)
			}
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, lead.LeadID)
		}
		return ids
	}
	want := walk(t, s, Filter{CampaignID: campaign}, nil, 50)
	if got := stream(Selection{Campaign: campaign}); !slices.Equal(got, want) {
		t.Errorf("%d leads, want %d in the order of the service", len(got), len(want))
	}
	if got := stream(Selection{Campaign: campaign, Limit: 7}); !slices.Equal(got, want[:7]) {
		t.Errorf("the best seven: %v, want %v", got, want[:7])
	}
	if got := stream(Selection{Campaign: campaign, LeadID: want[9]}); !slices.Equal(got, want[9:10]) {
		t.Errorf("one lead: %v, want %s", got, want[9])
	}
	best := walk(t, s, Filter{CampaignID: campaign, Tier: leadlake.TierA, MinScore: 60}, nil, 50)
	if got := stream(Selection{Campaign: campaign, Tiers: []leadlake.Tier{leadlake.TierA}, MinScore: 60}); !slices.Equal(got, best) {
		t.Errorf("tier A from 60: %d leads, want %d", len(got), len(best))
	}
	for range Stream(t.Context(), l, dir, Selection{Campaign: campaign}) {
		break // a reader that has enough leaves nothing behind
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
