package overture_test

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/duckdb/duckdb-go/v2"

	"github.com/leadlake/leadlake/ingest"
	"github.com/leadlake/leadlake/ingest/ingesttest"
	"github.com/leadlake/leadlake/internal/sandbox/world"
)

// duck answers requests with DuckDB, as the engine does.
type duck struct {
	db  *sql.DB
	dir string
}

func newDuck(t *testing.T) duck {
	t.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return duck{db, t.TempDir()}
}

// The columns of a place that differ from release to release. Every third is
// a plumber.
const (
	classic = `{'primary': case when i % 3 = 0 then 'plumbing' else 'bakery' end, 'alternate': ['contractor']} as categories,
		case when i % 10 = 0 then 'permanently_closed' else 'open' end as operating_status`
	renewed = `{'primary': case when i % 3 = 0 then 'plumbing' else 'bakery' end, 'hierarchy': ['services']} as taxonomy`
	between = classic + ", " + renewed
)

// write makes a folder with the places of a belt around the globe, sorted from
// west to east as Overture's are by place, and returns its path.
func (d duck) write(t *testing.T, name, columns string, places int) string {
	t.Helper()
	folder := filepath.Join(d.dir, name)
	inside := filepath.Join(folder, "theme=places", "type=place")
	if err := os.MkdirAll(inside, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := d.db.ExecContext(t.Context(), fmt.Sprintf(`copy (
		select
			format('{:08d}', 7919 * i %% %[1]d) as id,
			cast('POINT (1 2)' as blob) as geometry,
			{'xmin': cast(x as float), 'xmax': cast(x as float), 'ymin': cast(y as float), 'ymax': cast(y as float)} as bbox,
			1 as version,
			[{'dataset': 'made up', 'record_id': cast(i as varchar)}] as sources,
			{'primary': 'Place ' || i} as names,
			%[2]s,
			0.9 as confidence,
			['https://place-' || i || '.example/'] as websites,
			['+1 303-555-0142'] as phones,
			[{'freeform': i || ' Larimer St', 'locality': 'Denver', 'postcode': '80202', 'region': 'US-CO', 'country': 'US'}] as addresses
		from (
			select i, -110 + 10.0 * i / %[1]d as x, 39.7 + 0.001 * (i %% 7) as y from range(%[1]d) as r (i)
		)
	) to '%[3]s' (format parquet, row_group_size 2048)`, places, columns, filepath.Join(inside, "part-0.parquet"))); err != nil {
		t.Fatal(err)
	}
	return folder
}

// answer runs a request's query and prints its rows as the engine does.
func (d duck) answer(t *testing.T, r ingest.Request) []byte {
	t.Helper()
	rows, err := d.db.QueryContext(t.Context(), r.SQL, r.Args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	for rows.Next() {
		var key, raw string
		if err := rows.Scan(&key, &raw); err != nil {
			t.Fatal(err)
		}
		if err := enc.Encode(map[string]any{"key": key, "raw": json.RawMessage(raw)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestRequest_reads_every_release(t *testing.T) {
	t.Parallel()
	d := newDuck(t)
	for name, columns := range map[string]string{"classic": classic, "renewed": renewed, "between": between} {
		q := plan(t, denver("plumber", d.write(t, name, columns, 3000)))[0]
		r, err := source.Request(q, "")
		if err != nil {
			t.Fatal(err)
		}
		_, rows, err := ingesttest.Parse(source, q, d.answer(t, r))
		if err != nil {
			t.Fatal(err)
		}
		// 20 km are 0.2339 degrees of longitude to each side, 140 places of which
		// a third are plumbers.
		if len(rows) < 45 || len(rows) > 48 {
			t.Errorf("%s: %d places", name, len(rows))
		}
		last := ""
		for _, row := range rows {
			var place struct {
				ID       string
				Geometry any
				Bbox     struct{ Xmin, Ymin float64 }
				Names    struct{ Primary string }
			}
			if err := json.Unmarshal(row.Raw, &place); err != nil {
				t.Fatal(err)
			}
			if row.Problem != nil || row.Key != place.ID || row.Key <= last || place.Geometry != nil || !strings.HasPrefix(place.Names.Primary, "Place ") ||
				!strings.Contains(string(row.Raw), `"primary":"plumbing"`) || place.Bbox.Xmin < -105.23 || place.Bbox.Xmin > -104.75 {
				t.Fatalf("%s: %+v after %q", name, row, last)
			}
			last = row.Key
		}
		page, _, err := ingesttest.Parse(source, q, d.answer(t, r))
		if err != nil || page != "" {
			t.Errorf("%s: next %q, %v", name, page, err)
		}
	}
}

func TestRequest_goes_on_after_its_cursor(t *testing.T) {
	t.Parallel()
	d := newDuck(t)
	q := plan(t, denver("plumber", d.write(t, "places", classic, 3000)))[0]
	keys := func(cursor string) (all []string) {
		r, err := source.Request(q, cursor)
		if err != nil {
			t.Fatal(err)
		}
		_, rows, err := ingesttest.Parse(source, q, d.answer(t, r))
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			all = append(all, row.Key)
		}
		return all
	}
	all := keys("")
	half := keys(all[len(all)/2])
	if len(half) != len(all)-len(all)/2-1 || half[0] != all[len(all)/2+1] {
		t.Errorf("%d places, %d after the middle one", len(all), len(half))
	}
}

func TestRequest_finds_a_word_in_the_name(t *testing.T) {
	t.Parallel()
	d := newDuck(t)
	path := d.write(t, "places", renewed, 3000)
	for word, want := range map[string]int{"pLACE 1500": 1, "%": 0, "nobody": 0} {
		q := plan(t, denver(word, path))[0]
		r, err := source.Request(q, "")
		if err != nil {
			t.Fatal(err)
		}
		_, rows, err := ingesttest.Parse(source, q, d.answer(t, r))
		if err != nil || len(rows) != want {
			t.Errorf("%q: %d places, %v, want %d", word, len(rows), err, want)
		}
	}
}

// The scan has to leave out what lies elsewhere by itself: of a planet's files
// a campaign wants one place in ten thousand.
func TestRequest_leaves_the_box_to_the_scan(t *testing.T) {
	t.Parallel()
	d := newDuck(t)
	for name, columns := range map[string]string{"classic": classic, "renewed": renewed, "between": between} {
		r, err := source.Request(plan(t, denver("plumber", d.write(t, name, columns, 60_000)))[0], "0001")
		if err != nil {
			t.Fatal(err)
		}
		var key, text string
		if err := d.db.QueryRowContext(t.Context(), "explain (analyze, format json) "+r.SQL, r.Args...).Scan(&key, &text); err != nil {
			t.Fatal(err)
		}
		scan, ok := findScan(t, []byte(text))
		if !ok {
			t.Fatalf("%s: no scan in %s", name, text)
		}
		for _, want := range []string{"bbox.xmin<=", "bbox.xmax>=", "bbox.ymin<=", "bbox.ymax>=", "id>'0001'"} {
			if filters := fmt.Sprint(scan.Info["Filters"]); !strings.Contains(filters, want) {
				t.Errorf("%s: the scan does not filter by %s: %s", name, want, filters)
			}
		}
		// 20 km to each side are 2,800 places.
		if scan.Cardinality > 3_000 {
			t.Errorf("%s: the scan hands on %d rows", name, scan.Cardinality)
		}
	}
}

// A row group that lies elsewhere is not even read: here it could not be.
func TestRequest_reads_no_row_group_that_lies_elsewhere(t *testing.T) {
	t.Parallel()
	d := newDuck(t)
	for name, columns := range map[string]string{"classic": classic, "renewed": renewed} {
		campaign := denver("plumber", d.write(t, name, columns, 60_000))
		spoil(t, filepath.Join(campaign.Sources[0].Path, "theme=places", "type=place", "part-0.parquet"))
		r, err := source.Request(plan(t, campaign)[0], "")
		if err != nil {
			t.Fatal(err)
		}
		if rows := bytes.Count(d.answer(t, r), []byte("\n")); rows < 900 {
			t.Errorf("%s: %d places", name, rows)
		}
		campaign.Geo.RadiusKM = 500
		if r, err = source.Request(plan(t, campaign)[0], ""); err != nil {
			t.Fatal(err)
		}
		if _, err := d.db.ExecContext(t.Context(), r.SQL, r.Args...); err == nil {
			t.Errorf("%s: the spoilt file can be read as a whole", name)
		}
	}
}

// spoil overwrites the westernmost tenth of a file's rows.
func spoil(t *testing.T, path string) {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	copy(file[4:], bytes.Repeat([]byte{0xff}, len(file)/10))
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
}

// node is a part of what DuckDB says about a query.
type node struct {
	Name        string         `json:"operator_name"`
	Cardinality int            `json:"operator_cardinality"`
	Info        map[string]any `json:"extra_info"`
	Children    []node         `json:"children"`
}

func findScan(t *testing.T, text []byte) (node, bool) {
	t.Helper()
	var root node
	if err := json.Unmarshal(text, &root); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return root.find("READ_PARQUET")
}

func (n node) find(name string) (node, bool) {
	if strings.Contains(n.Name, name) {
		return n, true
	}
	for _, child := range n.Children {
		if found, ok := child.find(name); ok {
			return found, true
		}
	}
	return node{}, false
}

func TestSource_reads_the_places_of_the_sandbox(t *testing.T) {
	t.Parallel()
	w, err := world.New(world.Config{})
	if err != nil {
		t.Fatal(err)
	}
	d := newDuck(t)
	if err := w.WriteOverture(d.dir); err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	for _, l := range w.Listings(world.Overture) {
		if l.Category.Type == "plumber" {
			want[l.Key] = true
		}
	}
	campaign := denver("plumbers", d.dir)
	campaign.Geo.RadiusKM = 120
	q := plan(t, campaign)[0]
	r, err := source.Request(q, "")
	if err != nil {
		t.Fatal(err)
	}
	page, rows, err := parse(string(d.answer(t, r)))
	if err != nil || len(page.Unknown) > 0 || page.Next != "" {
		t.Fatalf("%+v, %v", page, err)
	}
	for _, row := range rows {
		if row.Problem != nil || !want[row.Key] {
			t.Fatalf("%+v is no plumber of the world", row)
		}
	}
	if len(rows) != len(want) || len(rows) < 200 {
		t.Errorf("%d of %d plumbers", len(rows), len(want))
	}
}
