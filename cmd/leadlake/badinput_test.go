package main

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/unicode"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/internal/sandbox"
	"github.com/leadlake/leadlake/internal/sandbox/world"
	"github.com/leadlake/leadlake/lake/store"
)

// assertFails checks the exit code and what the message says.
func assertFails(t *testing.T, got outcome, code int, want ...string) {
	t.Helper()
	if got.code != code {
		t.Errorf("exit %d, want %d", got.code, code)
	}
	for _, text := range append(want, "error: ", "fix:   ") {
		if !strings.Contains(got.stderr, text) {
			t.Errorf("stderr lacks %q:\n%s", text, got.stderr)
		}
	}
}

func TestListThatCannotBeReadIsNamedAndChangesNothing(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.runList(t, s.write(t, "good.csv", shopList))
	const published = "select run_id, * exclude (created_at, updated_at) from marts.leads order by lead_id"
	before := s.rows(t, published)

	s.do(t, "export", "--campaign", "shops", "--format", "parquet", "--out", filepath.Join(s.folder, "out"))
	exported, err := filepath.Glob(filepath.Join(s.folder, "out", "*", "*.parquet"))
	if err != nil || len(exported) == 0 {
		t.Fatalf("exported %v, %v", exported, err)
	}
	whole, err := os.ReadFile(exported[0])
	if err != nil {
		t.Fatal(err)
	}
	// In turn, because they are one campaign.
	for _, tc := range []struct {
		name, file, text string
		want             []string
	}{
		{"an empty file", "empty.csv", "", []string{"the file is empty", "export it again"}},
		{"a header alone", "header.csv", "Name,Street,City\n", []string{"column names but no row"}},
		{"blank lines alone", "blank.csv", "\n\n\n", []string{"only blank lines"}},
		{"another delimiter", "other.csv", "Name^Street^City\nElm Hardware^22 Elm Ave^Springfield\n", []string{"line 1", "Name^Street^City", "comma, semicolon, tab and pipe"}},
		{"a mapped column that is not there", "column.csv", "Nam,Street,City\nElm Hardware,22 Elm Ave,Springfield\n", []string{`mapping.name names the column "Name"`, `did you mean "Nam"`}},
		{"a line beyond all bounds", "huge.csv", "Name,Street,City\n" + strings.Repeat("x", 65<<20), []string{"line 2", "longer than 64 MiB"}},
		{"half a Parquet file", "half.parquet", string(whole[:len(whole)/2]), []string{"not a whole Parquet file", "cut short"}},
		{"a Parquet file without its start", "tail.parquet", string(whole[len(whole)/2:]), []string{"Parquet"}},
		{"rows of which none is one", "none.csv", "Name,Street,City\n,1 Main St\n,2 Main St\n", []string{"none of its 2 rows could be read", "raw.quarantine"}},
		{"a file that is not there", "", "", []string{"no such file", "check the path"}},
		{"a directory", ".", "", []string{"directory", "name one file in it"}},
	} {
		path := filepath.Join(s.folder, "absent.csv")
		switch tc.file {
		case "":
		case ".":
			path = s.folder
		default:
			path = s.write(t, tc.file, tc.text)
		}
		got := invoke(t, s.env, "run", s.campaign, "--input", "shops="+path)
		t.Run(tc.name, func(t *testing.T) { assertFails(t, got, exitUsage, append(tc.want, filepathOf(tc.name, path))...) })
	}
	if diff := cmp.Diff(before, s.rows(t, published)); diff != "" {
		t.Errorf("the published leads changed (-before +after):\n%s", diff)
	}
	var runs []leadlake.Run
	mustDecode(t, s.do(t, "runs", "--json").stdout, &runs)
	for _, run := range runs[:len(runs)-1] {
		if run.State != leadlake.RunFailed || run.Error == "" {
			t.Errorf("run %s is %s with the error %q", run.RunID, run.State, run.Error)
		}
	}
}

// filepathOf is the part of a path that the message must hold. Where no row of
// a file is good, the message names the source and the query that shows why.
func filepathOf(name, path string) string {
	if strings.HasPrefix(name, "rows of") {
		return "source shops"
	}
	return path
}

func TestRowsThatCannotBeReadAreKeptWholeAndCounted(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	long := "6,Long Line Ltd," + strings.Repeat("x", 50<<20) + ",Springfield"
	bad := []struct{ code, column, row string }{
		{"nul_byte", "Name", "4,Nul\x00 Byte Ltd,9 Elm Ave,Springfield"},
		{"line_too_long", "", long},
		{"too_few_columns", "City", "7,Short Row Ltd,9 Elm Ave"},
		{"too_many_columns", "City", "8,Wide Row Ltd,9 Elm Ave,Springfield,IL"},
		{"bad_quoting", "", `9,"Quoted" Row Ltd,9 Elm Ave,Springfield`},
		{"missing_name", "Name", "10,,9 Elm Ave,Springfield"},
		{"bad_encoding", "Name", "11,B\xffd Ltd,9 Elm Ave,Springfield"},
	}
	text := shopList + "12,Café Zürich,3 Elm Ave,Springfield\n" // makes the file UTF-8
	var want []map[string]any
	for i, b := range bad {
		kept := b.row
		if b.code == "bad_encoding" {
			kept = strconv.Quote(b.row) // text cannot hold it otherwise
		}
		sum := md5.Sum([]byte(kept))
		want = append(want, map[string]any{
			"row_number": float64(6 + i), "code": b.code, "column_name": b.column, "md5": hex.EncodeToString(sum[:]), "explained": true,
		})
		text += b.row + "\n"
	}
	text += "1,Twice Ltd,5 Oak St,Springfield\n"
	run := s.runList(t, s.write(t, "bad.csv", text))
	if n := int64(len(bad)); run.Funnel != (leadlake.Funnel{Read: 5 + n, Published: 4, Rejected: n + 1}) {
		t.Errorf("funnel %+v", run.Funnel)
	}
	got := s.rows(t, "select row_number, code, column_name, md5(raw) as md5, reason <> '' as explained from raw.quarantine where run_id = '"+run.RunID+"' order by row_number")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("quarantine (-want +got):\n%s", diff)
	}
	rejected := s.rows(t, "select code, count(*) as n, count(raw) as kept from marts.rejected_records group by code having code = 'duplicate_key'")
	if diff := cmp.Diff([]map[string]any{{"code": "duplicate_key", "n": 1.0, "kept": 1.0}}, rejected); diff != "" {
		t.Errorf("rows with a key that came before (-want +got):\n%s", diff)
	}
}

func TestListsInOtherEncodingsAreReadAsTheyAreMeant(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	const header = "Name,Street,City\n"
	little, err := unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewEncoder().String(header + "Bäckerei Süß,1 Elm St,Springfield\n")
	if err != nil {
		t.Fatal(err)
	}
	big, err := unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM).NewEncoder().String(header + "Łódź Garden Centre and Nursery,2 Oak St,Springfield\n")
	if err != nil {
		t.Fatal(err)
	}
	campaign := s.write(t, "encodings.yaml", "name: Encodings\nvertical: other\ngeo: {country: US}\nsources:\n"+
		"  - {source: list, name: latin, path: latin.csv}\n  - {source: list, name: little, path: little.csv}\n  - {source: list, name: big, path: big.csv}\n")
	s.write(t, "latin.csv", header+"Caf\xe9 Z\xfcrich,3 Main St,Springfield\n")
	s.write(t, "little.csv", little)
	s.write(t, "big.csv", big)
	s.run(t, "run", campaign)
	want := []map[string]any{{"name": "Bäckerei Süß"}, {"name": "Café Zürich"}, {"name": "Łódź Garden Centre and Nursery"}}
	if diff := cmp.Diff(want, s.rows(t, "select name from marts.leads order by name")); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

func TestCampaignFileMistakesAreNamed(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	list := s.write(t, "shops.csv", shopList)
	for name, tc := range map[string]struct {
		from, to string // in the campaign
		args     []string
		code     int
		want     []string
	}{
		"an unknown key":               {from: "vertical:", to: "vertcal:", want: []string{"typo.yaml", "vertcal"}},
		"an unknown key of a source":   {from: "mapping:", to: "maping:", want: []string{"typo.yaml", "maping"}},
		"an unknown field in mapping":  {from: "{name: Name", to: "{nam: Name", want: []string{`"nam"`, `did you mean "name"`}},
		"an unknown vertical":          {from: "other", to: "shops", want: []string{`"shops"`, "use one of"}},
		"an unknown source":            {from: "source: list", to: "source: yelpp", want: []string{`source "yelpp" is unknown`, "list"}},
		"a value of the wrong kind":    {from: "name: Shops", to: "name: [Shops]", want: []string{"typo.yaml", "name"}},
		"a file that is no YAML":       {from: "name: Shops", to: "name: [Shops", want: []string{"typo.yaml", "not YAML"}},
		"an input without its source":  {args: []string{"--input", "shop=" + list}, want: []string{`no source "shop"`, "shops"}},
		"an input without a file":      {args: []string{"--input", "shops"}, want: []string{"name=path"}},
		"an unknown way of approval":   {args: []string{"--approve", "later"}, want: []string{"later", "auto or manual"}},
		"a campaign that is not there": {args: []string{"--input", "shops=" + list}, from: "-", code: exitNotFound, want: []string{"there is no file"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			path := filepath.Join(folder, "typo.yaml")
			if tc.from != "-" {
				text := strings.Replace(shopCampaign, tc.from, tc.to, 1)
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			args := tc.args
			if args == nil {
				args = []string{"--input", "shops=" + list}
			}
			if tc.code == 0 {
				tc.code = exitUsage
			}
			assertFails(t, invoke(t, nil, append([]string{"run", path}, args...)...), tc.code, tc.want...)
		})
	}
}

func TestHomeThatCannotBeWrittenIsNamed(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	list := s.write(t, "shops.csv", shopList)
	homes := map[string]string{"below a file": filepath.Join(list, "home"), "read-only": filepath.Join(s.folder, "locked", "home")}
	if err := os.Mkdir(filepath.Dir(homes["read-only"]), 0o500); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 && runtime.GOOS == "linux" {
		homes["read-only"] = "/proc/leadlake" // permissions do not stop root
	}
	for name, home := range homes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := invoke(t, map[string]string{"LEADLAKE_HOME": home}, "run", s.campaign, "--input", "shops="+list)
			assertFails(t, got, exitUsage, "cannot write to "+home, "--home")
		})
	}
}

func TestCampaignIsRunByOneProcessAtATime(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	city, err := world.New(world.Config{Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	provider, err := sandbox.New(sandbox.Config{World: city})
	if err != nil {
		t.Fatal(err)
	}
	asked, answer := make(chan struct{}, 1000), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-answer
		provider.ServeHTTP(w, r)
	}))
	defer server.Close()
	config := s.write(t, "leadlake.yaml", fmt.Sprintf("providers: {google_places: {base_url: %q, rate_per_second: 1000}}\n", server.URL+"/google_places"))
	campaign := s.write(t, "denver.yaml", "name: Denver\nvertical: local_services\nkeywords: plumber\n"+
		"geo: {city: Denver, region: CO, country: US, radius_km: 5}\nsources: [google_places]\n")
	s.env["LEADLAKE_GOOGLE_PLACES_KEY"] = "sandbox"
	args := []string{"run", campaign, "--config", config, "--json"}

	first := make(chan outcome, 1)
	go func() { first <- invokeIn(t, context.WithoutCancel(t.Context()), "", s.env, args...) }()
	select {
	case <-asked:
	case got := <-first:
		t.Fatalf("the first run ended before it asked: %+v", got)
	}
	second := invoke(t, s.env, "run", campaign, "--config", config)
	close(answer)
	assertFails(t, second, exitConflict, "campaign/denver is being run by process "+strconv.Itoa(os.Getpid()), "wait for that run to end")
	got := <-first
	var run leadlake.Run
	mustDecode(t, got.stdout, &run)
	if got.code != exitOK || run.State != leadlake.RunPublished {
		t.Errorf("the first run: exit %d, %s\n%s", got.code, run.State, got.stderr)
	}
	var runs []leadlake.Run
	mustDecode(t, s.do(t, "runs", "--json").stdout, &runs)
	if len(runs) != 1 {
		t.Errorf("%d runs, want the first alone", len(runs))
	}
}

func TestCampaignOfADeadProcessIsTakenOver(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	dead := exec.Command(os.Args[0], "-test.run=^$")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	list := s.write(t, "shops.csv", shopList)
	s.runList(t, list)
	control, err := store.Open(t.Context(), filepath.Join(s.env["LEADLAKE_HOME"], "control.sqlite"), store.Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer control.Close()
	if _, err := control.Acquire(t.Context(), "campaign/shops", fmt.Sprintf("process %d on %s", dead.ProcessState.Pid(), host), time.Hour); err != nil {
		t.Fatal(err)
	}
	s.runList(t, list)
	if _, err := control.Acquire(t.Context(), "campaign/shops", "process 1 on another-host", time.Hour); err != nil {
		t.Fatal(err)
	}
	assertFails(t, invoke(t, s.env, "run", s.campaign, "--input", "shops="+list), exitConflict, "process 1 on another-host")
}

// TestMain lets a test run this binary as the program itself, in a process of
// its own.
func TestMain(m *testing.M) {
	if os.Getenv("LEADLAKE_TEST_IS_PROGRAM") != "" {
		main()
	}
	os.Exit(m.Run())
}

func TestNoSpaceStopsTheRunAndTheSameCommandGoesOn(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString("id,Name,Street,City\n")
	for i := range 3000 {
		fmt.Fprintf(&text, "%d,Shop %x Ltd,%d Main St,Springfield\n", i, md5.Sum([]byte{byte(i), byte(i >> 8)}), i)
	}
	// A limit on the size of a file is the full disk that needs no rights.
	limits := map[string]string{"a file may not grow": `trap "" XFSZ; ulimit -f 300; exec "$@"`}
	if os.Geteuid() == 0 && exec.Command("unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", t.TempDir()).Run() == nil {
		// Further and further into the run.
		for _, size := range []string{"100k", "400k", "700k", "1500k", "2000k"} {
			limits["a disk of "+size] = `mount -t tmpfs -o size=` + size + ` tmpfs "$LEADLAKE_HOME" && "$@"; code=$?; ` +
				`cp -a "$LEADLAKE_HOME/." "$KEPT"; exit $code`
		}
	}
	for name, limit := range limits {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			list := s.write(t, "shops.csv", text.String())
			stopWithoutSpace(t, s, list, limit)
			assertGoesOn(t, s, list)
		})
	}
}

// stopWithoutSpace runs the campaign as a process under a limit that a shell
// sets. A mount ends with its shell, so what it holds goes to the home after.
func stopWithoutSpace(t *testing.T, s shop, list, limit string) {
	t.Helper()
	home, kept := s.env["LEADLAKE_HOME"], filepath.Join(s.folder, "kept")
	if err := errors.Join(os.Mkdir(home, 0o700), os.Mkdir(kept, 0o700)); err != nil {
		t.Fatal(err)
	}
	shell := []string{"sh", "-c", limit, "sh", os.Args[0], "run", s.campaign, "--input", "shops=" + list}
	mounts := strings.HasPrefix(limit, "mount")
	if mounts {
		shell = append([]string{"unshare", "--mount"}, shell...)
	}
	var stderr bytes.Buffer
	cmd := exec.Command(shell[0], shell[1:]...)
	cmd.Env = append(os.Environ(), "LEADLAKE_TEST_IS_PROGRAM=1", "LEADLAKE_HOME="+home, "KEPT="+kept)
	cmd.Stderr = &stderr
	if err := cmd.Run(); err == nil {
		t.Fatal("there was space enough")
	}
	if mounts {
		if err := errors.Join(os.Remove(home), os.Rename(kept, home)); err != nil {
			t.Fatal(err)
		}
	}
	assertFails(t, outcome{code: cmd.ProcessState.ExitCode(), stderr: stderr.String()}, exitFailure, "the disk is full", "free some space")
}

// assertGoesOn checks that nothing of the stopped run is published and that
// the same command takes it to its end.
func assertGoesOn(t *testing.T, s shop, list string) {
	t.Helper()
	if got := invoke(t, s.env, "sql", "--json", "select count(*) as n from marts.leads"); got.code == exitOK && !strings.Contains(got.stdout, `"n":0`) {
		t.Errorf("leads are published: %s", got.stdout)
	}
	var runs []leadlake.Run
	mustDecode(t, s.do(t, "runs", "--json").stdout, &runs)
	run := s.runList(t, list)
	if len(runs) > 0 && runs[0].RunID != run.RunID { // there is none where even the workspace did not fit
		t.Errorf("run %s stopped, but it was %s that went on", runs[0].RunID, run.RunID)
	}
	if run.Funnel.Read != 3000 || run.Funnel.Published == 0 || !run.Funnel.Balanced() {
		t.Errorf("funnel %+v", run.Funnel)
	}
}
