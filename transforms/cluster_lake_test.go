package transforms

import (
	"strings"
	"testing"
)

// clusterTables makes what Cluster reads; a record_id of 9 is matched by none.
func clusterTables(t *testing.T, edges string) bundle {
	t.Helper()
	b := bundle{t, openSession(t)}
	b.exec("create schema if not exists scratch.intermediate")
	b.exec("create table scratch.intermediate.int_records_kept as select range as record_id from range(1, 10)")
	b.exec("create table scratch.intermediate.int_edges as from (values " + edges + ") as t (left_id, right_id, match_weight)")
	b.exec("alter table scratch.intermediate.int_edges alter left_id type bigint")
	b.exec("alter table scratch.intermediate.int_edges alter right_id type bigint")
	return b
}

const (
	clustersText = "select string_agg(record_id || ':' || cluster_id, ' ' order by record_id) from scratch.intermediate.int_clusters"
	cutsText     = "select string_agg(concat_ws(' ', left_id, right_id, match_weight, reason), ', ' order by left_id, right_id) from scratch.intermediate.int_cuts"
)

func (b bundle) want(query, want string) {
	b.Helper()
	if got := b.text(query); got != want {
		b.Errorf("got %s, want %s", got, want)
	}
}

func TestCluster_writes_clusters_and_cuts(t *testing.T) {
	t.Parallel()
	b := clusterTables(t, "(1, 2, 6.5), (2, 3, 0.25), (1, 3, -4), (5, 4, 1), (6, 7, -1), (7, 8, 0), (1, 9, null), (5, 9, 3), (6, 6, 4)")
	b.exec("create table scratch.intermediate.int_links (left_id bigint, right_id bigint, is_match boolean, who varchar)")
	b.exec("insert into scratch.intermediate.int_links values (4, 9, false, 'ann'), (6, 8, true, 'bob'), (8, 6, false, 'cid')")
	for range 2 { // it replaces what was there
		if err := Cluster(t.Context(), b.session); err != nil {
			t.Fatal(err)
		}
		b.want(clustersText, "1:1 2:1 5:5 9:5")
		b.want(cutsText, "2 3 0.25 weak_bridge, 4 5 1.0 never_link, 6 8 contradicting_links")
	}
}

func TestCluster_needs_no_links(t *testing.T) {
	t.Parallel()
	b := clusterTables(t, "(1, 2, 6.5)")
	if err := Cluster(t.Context(), b.session); err != nil {
		t.Fatal(err)
	}
	b.want(clustersText, "1:1 2:1")
	b.want(cutsText, "null")
}

func TestCluster_refuses_pairs_of_no_records(t *testing.T) {
	t.Parallel()
	for _, edges := range []string{"(1, 10, 2.0)", "(0, 1, 2.0)"} {
		err := Cluster(t.Context(), clusterTables(t, edges).session)
		if err == nil || !strings.Contains(err.Error(), "is not of records 1 to 9") {
			t.Errorf("%s: %v", edges, err)
		}
	}
}
