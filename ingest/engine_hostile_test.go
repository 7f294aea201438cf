package ingest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/ingest"
	"github.com/leadlake/leadlake/ingest/googleplaces"
	"github.com/leadlake/leadlake/ingest/list"
	"github.com/leadlake/leadlake/ingest/yelp"
	"github.com/leadlake/leadlake/internal/sandbox"
	"github.com/leadlake/leadlake/internal/sandbox/world"
	"github.com/leadlake/leadlake/internal/wire"
)

// victim is a source whose provider misbehaves, and where its rows are in an
// answer.
type victim struct {
	source     ingest.Source
	rows, name string // list of rows; text of a row
}

func victims() []victim {
	return []victim{
		{googleplaces.Source{}, "places", "displayName.text"},
		{yelp.Source{}, "businesses", "name"},
	}
}

// city is a bundle whose engine calls the sandbox through the real door.
type city struct {
	*bundle
	box http.Handler
	run leadlake.Run
}

func newCity(t *testing.T, w *world.World, v victim) city {
	t.Helper()
	box, err := sandbox.New(sandbox.Config{World: w})
	if err != nil {
		t.Fatal(err)
	}
	c := city{setup(t), box, run()}
	spec := v.source.Spec()
	door, err := wire.New(wire.Config{
		Providers: []wire.Provider{{Name: spec.Name, BaseURL: spec.BaseURL, Judge: v.source.(ingest.Judge).Judge, RatePerSecond: 1e5}},
		Transport: inProcess{box, spec.Name}, ReadOnly: true, BaseDelay: time.Millisecond, MaxBody: 4 << 20,
	})
	if err != nil {
		t.Fatal(err)
	}
	c.engine.HTTP, c.engine.Sources = door, []ingest.Source{v.source, list.Source{}}
	c.engine.Getenv = func(string) string { return "sandbox" }
	c.run.Spec.Keywords, c.run.Spec.Geo = "plumber", leadlake.GeoSpec{City: "Denver", Region: "CO", Country: "US", RadiusKM: 12}
	c.run.Spec.Sources = []leadlake.SourceSpec{{Source: spec.Name}, c.file(t, "a.csv", "name,city\nBolt,Boulder\n")}
	return c
}

func (c city) fault(t *testing.T, f sandbox.Fault) {
	t.Helper()
	body, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	rec := httptest.NewRecorder()
	c.box.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/__sandbox/faults", strings.NewReader(string(body))))
	if rec.Code != http.StatusNoContent {
		t.Fatalf("fault: %d %s", rec.Code, rec.Body)
	}
}

// calls is how often the provider was called.
func (c city) calls(t *testing.T) (n int) {
	t.Helper()
	rec := httptest.NewRecorder()
	c.box.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/__sandbox/calls", nil))
	var counts map[string]map[string]sandbox.Count
	if err := json.Unmarshal(rec.Body.Bytes(), &counts); err != nil {
		t.Fatal(err)
	}
	for _, methods := range counts {
		for _, m := range methods {
			n += m.Calls
		}
	}
	return n
}

// inProcess is a network with one provider on it. An answer streams, so that
// one of a gigabyte takes no more memory than is read of it.
type inProcess struct {
	box  http.Handler
	name string
}

func (p inProcess) RoundTrip(req *http.Request) (*http.Response, error) {
	served := req.Clone(req.Context())
	served.URL.Path = "/" + p.name + req.URL.Path
	if served.Body == nil {
		served.Body = http.NoBody
	}
	body, out := io.Pipe()
	w := &streamed{header: http.Header{}, out: out, began: make(chan int, 1)}
	go func() {
		defer func() {
			if recover() != nil { // the handler broke off, as http.ErrAbortHandler says
				out.CloseWithError(io.ErrUnexpectedEOF)
			}
			w.WriteHeader(http.StatusOK)
			out.Close()
		}()
		p.box.ServeHTTP(w, served)
	}()
	status := <-w.began
	return &http.Response{StatusCode: status, Header: w.header.Clone(), Body: body, Request: req}, nil
}

type streamed struct {
	header http.Header
	out    *io.PipeWriter
	once   sync.Once
	began  chan int
}

func (s *streamed) Header() http.Header    { return s.header }
func (s *streamed) WriteHeader(status int) { s.once.Do(func() { s.began <- status }) }
func (s *streamed) Write(b []byte) (int, error) {
	s.WriteHeader(http.StatusOK)
	return s.out.Write(b)
}

// listed are the rows of the other source, which all goes well with.
const listed = "select name from (select raw->>'name' as name from raw.source_records where provider = 'list')"

func TestRun_keeps_what_is_good_of_a_page_with_a_bad_row(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, v := range victims() {
		row := v.rows + ".0."
		for name, tc := range map[string]struct {
			fault sandbox.Fault
			code  string
			raw   string // what the row in quarantine has in it
		}{
			"bytes that are no text": {sandbox.Fault{Poison: "utf8", Field: row + v.name}, "bad_encoding", "\xff\xfe\xc0"},
			"a row without its key":  {sandbox.Fault{DropField: row + "id"}, "missing_key", `"rating":`},
			"a field of another type": {
				sandbox.Fault{RetypeField: row + v.name}, map[string]string{"places": "retyped_field", "businesses": "missing_field"}[v.rows], `":["`,
			},
		} {
			t.Run(v.rows+" "+name, func(t *testing.T) {
				t.Parallel()
				c := newCity(t, w, v)
				tc.fault.Times = 2
				c.fault(t, tc.fault)
				s, err := c.engine.Run(t.Context(), c.run, nil)
				if err != nil || s.Sources[0].Failed != "" || s.Sources[0].Records < 20 || s.Sources[0].Quarantined != 2 {
					t.Fatalf("summary %+v, error %v", s, err)
				}
				for _, line := range c.rows(t, "select concat_ws(' ', code, raw) from raw.quarantine") {
					code, raw, _ := strings.Cut(line, " ")
					if whole, err := strconv.Unquote(raw); err == nil { // as bytes that are no text are kept
						raw = whole
					}
					if code != tc.code || !strings.Contains(raw, tc.raw) || raw[0] != '{' || raw[len(raw)-1] != '}' {
						t.Errorf("quarantine has %s %q, want %s with %q in it", code, raw, tc.code, tc.raw)
					}
				}
			})
		}
	}
}

func TestRun_goes_on_without_a_provider_whose_answers_are_none(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, v := range victims() {
		for body, says := range map[string]string{"deep": "nested deeper than", "huge": "larger than"} {
			t.Run(v.rows+" "+body, func(t *testing.T) {
				t.Parallel()
				c := newCity(t, w, v)
				c.fault(t, sandbox.Fault{Body: body})
				s, err := c.engine.Run(t.Context(), c.run, nil)
				if err != nil || s.Records != 1 || !strings.Contains(s.Sources[0].Failed, says) {
					t.Errorf("summary %+v, error %v", s, err)
				}
				if n := c.calls(t); n > c.engine.Parallel+4 {
					t.Errorf("%d calls for answers that nobody can read", n)
				}
				if got := c.rows(t, listed); !slices.Equal(got, []string{"Bolt"}) {
					t.Errorf("the other source has %q", got)
				}
			})
		}
	}
}

func TestRun_takes_a_page_of_HTML_for_an_outage_and_is_whole_when_repeated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, v := range victims() {
		t.Run(v.rows, func(t *testing.T) {
			t.Parallel()
			c := newCity(t, w, v)
			c.fault(t, sandbox.Fault{Body: "html", Times: 1, After: 1})
			s, err := c.engine.Run(t.Context(), c.run, nil)
			if leadlake.ErrorCode(err) != leadlake.Unavailable || !strings.Contains(s.Sources[0].Failed, "HTML") || s.Sources[1].Records != 1 {
				t.Errorf("summary %+v, error %v", s, err)
			}
			if s, err = c.engine.Run(t.Context(), c.run, nil); err != nil || s.Sources[0].Records < 20 || s.Sources[0].Failed != "" {
				t.Errorf("repeated: summary %+v, error %v", s, err)
			}
			if got := c.rows(t, listed); !slices.Equal(got, []string{"Bolt"}) {
				t.Errorf("the other source has %q", got)
			}
		})
	}
}

func TestRun_reports_fields_that_are_new_and_keeps_them(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, v := range victims() {
		t.Run(v.rows, func(t *testing.T) {
			t.Parallel()
			c := newCity(t, w, v)
			c.fault(t, sandbox.Fault{AddField: v.rows + ".#.surprise"})
			s, err := c.engine.Run(t.Context(), c.run, nil)
			if err != nil || !slices.Contains(s.Sources[0].Unknown, "surprise") || s.Quarantined != 0 || s.Sources[0].Records < 20 {
				t.Fatalf("summary %+v, error %v", s, err)
			}
			got := c.rows(t, `select concat(count(*), ' ', count(raw->'surprise'->>'since')) from raw.source_records where provider <> 'list'`)
			want := strconv.FormatInt(s.Sources[0].Records, 10)
			if !slices.Equal(got, []string{want + " " + want}) {
				t.Errorf("rows, and those with the field: %q", got)
			}
		})
	}
}

func TestRun_stops_a_provider_whose_format_has_changed_and_says_so(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, v := range victims() {
		for name, fault := range map[string]sandbox.Fault{
			"no keys":       {DropField: v.rows + ".#.id"},
			"another type":  {RetypeField: v.rows + ".#." + v.name},
			"another bytes": {Poison: "utf8", Field: v.rows + ".#." + v.name},
		} {
			t.Run(v.rows+" "+name, func(t *testing.T) {
				t.Parallel()
				c := newCity(t, w, v)
				c.fault(t, fault)
				s, err := c.engine.Run(t.Context(), c.run, nil)
				if err != nil || !strings.Contains(s.Sources[0].Failed, "format seems to have changed") || s.Sources[0].Records != 0 {
					t.Errorf("summary %+v, error %v", s, err)
				}
				if n := c.calls(t); n > c.engine.Parallel+4 {
					t.Errorf("%d calls for rows that nobody can read", n)
				}
				kept := c.rows(t, "select count(*)::varchar from raw.quarantine where raw is not null")
				if want := strconv.FormatInt(s.Sources[0].Quarantined, 10); want == "0" || !slices.Equal(kept, []string{want}) {
					t.Errorf("quarantine has %q rows, want %s", kept, want)
				}
				if got := c.rows(t, listed); !slices.Equal(got, []string{"Bolt"}) {
					t.Errorf("the other source has %q", got)
				}
			})
		}
	}
}

func newWorld(t *testing.T) *world.World {
	t.Helper()
	w, err := world.New(world.Config{Size: 2500})
	if err != nil {
		t.Fatal(err)
	}
	return w
}
