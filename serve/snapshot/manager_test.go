package snapshot

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/serve/snapshot/snapshottest"
)

func files(t *testing.T, m *Manager) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(m.cfg.Dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func refresh(t *testing.T, m *Manager) {
	t.Helper()
	if err := m.Refresh(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func TestNothingPublishedIsUnavailableUntilSomethingIs(t *testing.T) {
	t.Parallel()
	l := snapshottest.Open(t)
	m := NewManager(Config{Lake: l})
	defer m.Close()
	if err := m.Refresh(context.Background()); leadlake.ErrorCode(err) != leadlake.Unavailable {
		t.Fatalf("refresh of an empty lake: %v", err)
	}
	if _, _, err := m.Current(); leadlake.ErrorCode(err) != leadlake.Unavailable {
		t.Fatalf("current of an empty lake: %v", err)
	}
	snapshottest.Fill(t, l, 0, 10)
	refresh(t, m)
	s, release, err := m.Current()
	if err != nil || s.Rows() != 10 {
		t.Fatalf("after a publish: %v, %v", s, err)
	}
	release()
}

func TestAPublishSwapsWhileOldReadersFinish(t *testing.T) {
	t.Parallel()
	l := snapshottest.Filled(t, 10)
	m := NewManager(Config{Lake: l})
	defer m.Close()
	refresh(t, m)
	old, release, err := m.Current()
	if err != nil {
		t.Fatal(err)
	}
	snapshottest.Fill(t, l, 10, 30)
	refresh(t, m)
	now, releaseNow, err := m.Current()
	if err != nil {
		t.Fatal(err)
	}
	defer releaseNow()
	if now.Rows() != 30 || now.Version() == old.Version() {
		t.Errorf("after the publish: %d rows of version %d", now.Rows(), now.Version())
	}
	if rows, _, err := old.Page(context.Background(), Filter{}, nil, 50); err != nil || len(rows) != 10 {
		t.Errorf("the old reader sees %d rows, %v", len(rows), err)
	}
	release()
	release() // a second call must not count
	if _, _, err := old.Page(context.Background(), Filter{}, nil, 50); err == nil {
		t.Error("the old snapshot is open after its last reader")
	}
	if left := files(t, m); len(left) != 1 {
		t.Errorf("left on disk: %v", left)
	}
}

func TestOtherWritesToTheLakeDoNotSwap(t *testing.T) {
	t.Parallel()
	l := snapshottest.Filled(t, 10)
	before, err := Version(context.Background(), l)
	if err != nil {
		t.Fatal(err)
	}
	snapshottest.Exec(t, l, "create table lake.raw.other as select 1 as one; insert into lake.raw.other values (2)")
	if after, err := Version(context.Background(), l); err != nil || after != before {
		t.Errorf("version %d, %v, want %d", after, err, before)
	}
	for _, change := range []string{
		"delete from lake.marts.leads where lead_score < 50",
		"update lake.marts.leads set name = 'x' where tier = 'A'",
		"delete from lake.marts.lead_records",
		"create or replace table lake.marts.leads as from lake.marts.leads",
	} {
		snapshottest.Exec(t, l, change)
		after, err := Version(context.Background(), l)
		if err != nil || after == before {
			t.Errorf("%s: version %d, %v, want a new one", change, after, err)
		}
		before = after
	}
}

func TestAFileIsUsedAgainUnlessItIsBroken(t *testing.T) {
	t.Parallel()
	l := snapshottest.Filled(t, 10)
	first := NewManager(Config{Lake: l})
	refresh(t, first)
	first.Close()
	path := files(t, first)[0]
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	second := NewManager(Config{Lake: l})
	refresh(t, second)
	second.Close()
	if after, err := os.Stat(path); err != nil || !os.SameFile(before, after) {
		t.Errorf("the file was built again: %v", err)
	}
	if err := os.WriteFile(path, []byte("not a database"), 0o600); err != nil {
		t.Fatal(err)
	}
	third := NewManager(Config{Lake: l})
	defer third.Close()
	refresh(t, third)
	s, release, err := third.Current()
	if err != nil || s.Rows() != 10 {
		t.Fatalf("after a broken file: %v", err)
	}
	release()
}

func TestAFailedBuildKeepsWhatIsServed(t *testing.T) {
	t.Parallel()
	l := snapshottest.Filled(t, 10)
	m := NewManager(Config{Lake: l})
	defer m.Close()
	refresh(t, m)
	snapshottest.Exec(t, l, "insert into lake.marts.leads select * from lake.marts.leads limit 1")
	if err := m.Refresh(context.Background()); err == nil {
		t.Fatal("a lead twice was served")
	}
	s, release, err := m.Current()
	if err != nil || s.Rows() != 10 {
		t.Errorf("after the failure: %v", err)
	}
	release()
}

func TestLeadsWithoutRecordsAndNoLeadsAtAllAreServed(t *testing.T) {
	t.Parallel()
	l := snapshottest.Filled(t, 10)
	m := NewManager(Config{Lake: l})
	defer m.Close()
	for change, want := range map[string]int64{"delete from lake.marts.lead_records": 10} {
		snapshottest.Exec(t, l, change)
		refresh(t, m)
		if s, release, err := m.Current(); err != nil || s.Rows() != want {
			t.Errorf("%s: %v", change, err)
		} else {
			release()
		}
	}
	snapshottest.Exec(t, l, "delete from lake.marts.leads")
	refresh(t, m)
	s, release, err := m.Current()
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	rows, more, err := s.Page(context.Background(), Filter{Tier: "A", MinScore: 50}, nil, 10)
	if err != nil || len(rows) > 0 || more {
		t.Errorf("page of no leads: %v, %v, %v", rows, more, err)
	}
}
