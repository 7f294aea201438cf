package world

import (
	"database/sql"
	"path/filepath"
	"testing"

	_ "github.com/duckdb/duckdb-go/v2"
)

func TestWriteOverture_is_read_by_duckdb_as_a_release_is(t *testing.T) {
	t.Parallel()
	w := generate(t, Config{Size: 12_000})
	dir := t.TempDir()
	if err := w.WriteOverture(dir); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	files := filepath.Join(dir, "**", "*.parquet")
	ask := func(query string) (n int) {
		t.Helper()
		if err := db.QueryRowContext(t.Context(), query, files).Scan(&n); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		return n
	}
	if n := ask(`select count(*) from read_parquet($1)`); n != len(w.Listings(Overture)) {
		t.Errorf("%d places, want %d", n, len(w.Listings(Overture)))
	}
	if n := ask(`select count(distinct row_group_id) from parquet_metadata($1)`); n != (len(w.Listings(Overture))+overtureRows-1)/overtureRows {
		t.Errorf("%d row groups", n)
	}
	if n := ask(`select count(*) from read_parquet($1) where names.primary is null or geometry is null or addresses[1].locality is null or sources[1].dataset is null
		or categories.primary is null or taxonomy.primary is null or confidence not between 0 and 1 or bbox.xmin > bbox.xmax
		or operating_status not in ('open', 'permanently_closed', 'temporarily_closed')`); n != 0 {
		t.Errorf("%d places lack what all have", n)
	}
	if n := ask(`select count(*) from read_parquet($1) where categories.primary = 'plumbing' and phones[1] like '+1___555____' and websites is not null
		and bbox.xmax >= -105.1 and bbox.xmin <= -104.9`); n == 0 {
		t.Error("no plumber of Denver with telephone and website")
	}
	if n := ask(`select count(*) from read_parquet($1) where socials is not null and emails is not null`); n == 0 {
		t.Error("nobody has a social page and an e-mail")
	}
	// Row groups are neighbourhoods: a small box touches few of them.
	if n := ask(`select count(*) from (select row_group_id, min(stats_min::float) as low, max(stats_max::float) as high from parquet_metadata($1)
		where path_in_schema in ('bbox, ymin', 'bbox, ymax') group by all) where low <= 39.53 and high >= 39.51`); n > 1 {
		t.Errorf("%d row groups reach into one place", n)
	}
}
