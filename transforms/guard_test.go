package transforms

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/leadlake/leadlake"
)

// shops are n businesses that have nothing in common.
func shops(n int) []source {
	var out []source
	for i := range n {
		out = append(out, source{"list", fmt.Sprintf("k%03d", i), "", fmt.Sprintf(
			`{"name": "%c%d Trading %d", "street": "%d Elm St", "city": "Denver", "region": "CO", "postal": "802%02d", "phone": "303-555-%04d"}`,
			'a'+i%26, i, i*7, 10+i, i%90, 100+i)})
	}
	return out
}

// poisoned are the same keys after an export went wrong: each row is the same
// one.
func poisoned(n int) []source {
	out := shops(n)
	for i := range out {
		out[i].raw = `{"name": "Sample Company", "street": "1 Main St", "city": "Denver", "region": "CO", "postal": "80202", "phone": "303-555-0100"}`
	}
	return out
}

func TestCheckMerges_refuses_what_a_bad_list_would_merge(t *testing.T) {
	t.Parallel()
	c := newCampaign(t)
	limits := MergeLimits{LeadRecords: 25, LeadsEnded: 0.05, ShareGrowth: 0.3}
	check := func(run string) (*MergesRefusedError, error) {
		t.Helper()
		err := CheckMerges(t.Context(), c.lake, c.params(run), limits)
		var refused *MergesRefusedError
		if err != nil && !errors.As(err, &refused) {
			t.Fatal(err)
		}
		return refused, err
	}
	c.ingest("first", shops(40)...)
	c.transform("first")
	if _, err := check("first"); err != nil {
		t.Fatalf("a list without repeats is refused: %v", err)
	}
	c.publish("first")

	c.ingest("poisoned", poisoned(40)...)
	c.transform("poisoned")
	refused, err := check("poisoned")
	if refused == nil {
		t.Fatal("a list whose rows are all the same is not refused")
	}
	if refused.Merges.LeadsEnded != 39 || len(refused.Merges.Large) != 1 || refused.Merges.Large[0].Records != 40 {
		t.Errorf("it merges %+v", refused.Merges)
	}
	for _, part := range []string{"39 of 40 published leads (98%) would go into others", `("Sample Company") would stand for 40 records, more than 25, such as list:k000`, "--accept-merges"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not say %q: %v", part, err)
		}
	}
	if leadlake.ErrorCode(err) != leadlake.Conflict {
		t.Errorf("its code is %v", leadlake.ErrorCode(err))
	}
	limits = MergeLimits{}
	if _, err := check("poisoned"); err != nil {
		t.Errorf("without limits: %v", err)
	}
	limits = MergeLimits{LeadRecords: 25, LeadsEnded: 0.05, ShareGrowth: 0.3}
	// Accepted once, it is what the next run is held against.
	c.publish("poisoned")
	if _, err := check("poisoned"); err != nil {
		t.Errorf("what is published is refused: %v", err)
	}
}

func TestCheckMerges_refuses_a_lead_of_one_giant_block(t *testing.T) {
	t.Parallel()
	c := newCampaign(t)
	// One number that all have, and one branch that a list repeats.
	var records []source
	for i := range 120 {
		name, street := fmt.Sprintf("%c%d Depot %d", 'a'+i%26, i, i), fmt.Sprintf("%d Oak Rd", i)
		if i < 30 {
			name, street = "Acme Call Centre", "5 Pine St"
		}
		records = append(records, source{"list", fmt.Sprintf("b%03d", i), "", fmt.Sprintf(
			`{"name": %q, "street": %q, "city": "Denver", "region": "CO", "postal": "80202", "phone": "303-555-0111"}`, name, street)})
	}
	c.ingest("r1", records...)
	c.transform("r1")
	err := CheckMerges(t.Context(), c.lake, c.params("r1"), MergeLimits{LeadRecords: 20})
	var refused *MergesRefusedError
	if !errors.As(err, &refused) {
		t.Fatalf("it is not refused: %v", err)
	}
	if len(refused.Merges.Large) != 1 || refused.Merges.Large[0].Name != "Acme Call Centre" || refused.Merges.Large[0].Records != 30 {
		t.Errorf("large are %+v", refused.Merges.Large)
	}
}
