package store

import (
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/internal/testservers"
)

// linkCases are the suite of links.
var linkCases = map[string]func(*testing.T, bundle){
	"a link comes back as it was made":       linksRoundTrip,
	"a campaign sees its links and shared":   linksOfCampaign,
	"an undo ends a link and keeps its row":  linksUndo,
	"an undo of a change ends all its links": linksUndoChange,
	"of many undos one ends the link":        linksUndoRace,
	"links of one change come all or none":   linksTogether,
}

func TestLinksOnSQLite(t *testing.T) {
	t.Parallel()
	linkSuite(t, func(t *testing.T) string { return filepath.Join(t.TempDir(), "control.sqlite") })
}

func TestLinksOnPostgres(t *testing.T) {
	t.Parallel()
	server := testservers.StartPostgres(t)
	linkSuite(t, func(t *testing.T) string { return server.Database(t) })
}

func linkSuite(t *testing.T, dsn func(*testing.T) string) {
	for name, test := range linkCases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := bundle{clock: newClock(), dsn: dsn(t)}
			b.Store = b.reopen(t)
			test(t, b)
		})
	}
}

func newLink(id, campaign string) leadlake.Link {
	return leadlake.Link{
		ID: id, ChangeID: "change of " + id, CampaignID: campaign, Kind: leadlake.LinkMust, Who: "jo", Why: "seen “both”",
		Left: leadlake.RecordKey{Provider: "list", Key: "1:a"}, Right: leadlake.RecordKey{Provider: "maps", Key: "2"},
	}
}

func linkIDs(links []leadlake.Link) []string {
	var ids []string
	for _, l := range links {
		ids = append(ids, l.ID)
	}
	return ids
}

func wantLinks(t *testing.T, b *Store, campaign string, undone bool, want ...string) {
	t.Helper()
	links, err := b.Links(t.Context(), campaign, undone)
	must(t, err)
	if diff := cmp.Diff(want, linkIDs(links)); diff != "" {
		t.Errorf("links of %q (undone: %t): %s", campaign, undone, diff)
	}
}

func linksRoundTrip(t *testing.T, b bundle) {
	want := newLink("l1", "c1")
	must(t, b.AddLinks(t.Context(), []leadlake.Link{want}))
	got, err := b.reopen(t).Links(t.Context(), "c1", false)
	must(t, err)
	want.At = b.clock.Now()
	if diff := cmp.Diff([]leadlake.Link{want}, got); diff != "" {
		t.Error(diff)
	}
	if !got[0].Stands() {
		t.Error("a new link does not stand")
	}
}

func linksOfCampaign(t *testing.T, b bundle) {
	for i, campaign := range []string{"c1", "c2", leadlake.EveryCampaign} {
		b.clock.Advance(time.Second)
		must(t, b.AddLinks(t.Context(), []leadlake.Link{newLink([]string{"l3", "l2", "l1"}[i], campaign)}))
	}
	wantLinks(t, b.Store, "c1", false, "l3", "l1")
	wantLinks(t, b.Store, "c2", false, "l2", "l1")
	wantLinks(t, b.Store, "none", false, "l1")
	wantLinks(t, b.Store, "", false, "l3", "l2", "l1")
}

func linksUndo(t *testing.T, b bundle) {
	must(t, b.AddLinks(t.Context(), []leadlake.Link{newLink("l1", "c1"), newLink("l2", "c1")}))
	b.clock.Advance(time.Minute)
	ended, err := b.UndoLinks(t.Context(), "l1", "sam", "a mistake")
	must(t, err)
	want := newLink("l1", "c1")
	want.At, want.UndoneAt = b.clock.Now().Add(-time.Minute), b.clock.Now()
	want.UndoneBy, want.UndoneWhy = "sam", "a mistake"
	if diff := cmp.Diff([]leadlake.Link{want}, ended); diff != "" {
		t.Error(diff)
	}
	wantLinks(t, b.Store, "c1", false, "l2")
	wantLinks(t, b.Store, "c1", true, "l1", "l2")
	all, err := b.Links(t.Context(), "c1", true)
	must(t, err)
	if diff := cmp.Diff(want, all[0]); diff != "" {
		t.Error(diff)
	}
	_, err = b.UndoLinks(t.Context(), "l1", "jo", "")
	wantCode(t, err, leadlake.Conflict)
	_, err = b.UndoLinks(t.Context(), "l9", "jo", "")
	wantCode(t, err, leadlake.NotFound)
	again, err := b.Links(t.Context(), "c1", true)
	must(t, err)
	if diff := cmp.Diff(all, again); diff != "" {
		t.Errorf("a refused undo changed a link: %s", diff)
	}
}

func linksUndoChange(t *testing.T, b bundle) {
	links := []leadlake.Link{newLink("l1", "c1"), newLink("l2", "c1"), newLink("l3", "c1")}
	links[0].ChangeID, links[1].ChangeID = "k", "k"
	must(t, b.AddLinks(t.Context(), links))
	_, err := b.UndoLinks(t.Context(), "l1", "sam", "")
	must(t, err)
	ended, err := b.UndoLinks(t.Context(), "k", "jo", "")
	must(t, err)
	if diff := cmp.Diff([]string{"l2"}, linkIDs(ended)); diff != "" {
		t.Error(diff)
	}
	wantLinks(t, b.Store, "c1", false, "l3")
}

func linksUndoRace(t *testing.T, b bundle) {
	must(t, b.AddLinks(t.Context(), []leadlake.Link{newLink("l1", "c1")}))
	other := b.reopen(t)
	const callers = 8
	ended := make([]int, callers)
	var group sync.WaitGroup
	for i := range callers {
		group.Go(func() {
			handle := b.Store
			if i%2 == 1 {
				handle = other
			}
			links, err := handle.UndoLinks(t.Context(), "l1", "jo", "")
			if err == nil {
				ended[i] = len(links)
			} else if leadlake.ErrorCode(err) != leadlake.Conflict {
				t.Error(err)
			}
		})
	}
	group.Wait()
	total := 0
	for _, n := range ended {
		total += n
	}
	if total != 1 {
		t.Errorf("%d callers ended the link", total)
	}
}

func linksTogether(t *testing.T, b bundle) {
	bad := newLink("l2", "c1")
	bad.Kind = "perhaps"
	if err := b.AddLinks(t.Context(), []leadlake.Link{newLink("l1", "c1"), bad}); err == nil {
		t.Error("a link of an unknown kind is stored")
	}
	if err := b.AddLinks(t.Context(), []leadlake.Link{newLink("l1", "c1"), newLink("l1", "c1")}); err == nil {
		t.Error("an id is stored twice")
	}
	wantLinks(t, b.Store, "", true)
}
