// Package ingest brings what providers say into the lake. Adapters (Source)
// only build requests and read answers; the Engine owns everything else:
// limits, budget, credentials, the cursor and the landing of raw records.
package ingest

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/leadlake/leadlake"
)

// Source is one provider. Its methods are pure: same arguments, same answer,
// and no network, file, clock, log or random number. They may be called from
// several goroutines at once. A source is a Discoverer, an Enricher or both.
type Source interface {
	Spec() Spec

	// Request builds the call for one page. Cursor is "" for the first page and
	// afterwards what Parse returned.
	Request(q Query, cursor string) (Request, error)

	// Parse reads one answer and calls emit for each row in it, good or bad.
	// An error means that the page as a whole cannot be read; an error of emit
	// is returned as it is. Parse must survive any bytes.
	Parse(q Query, resp Response, emit func(Record) error) (Page, error)
}

// Discoverer is a source that finds businesses for a campaign.
type Discoverer interface {
	Source

	// Plan turns the part of a campaign that concerns this source into
	// queries. An Invalid error says what the campaign lacks.
	Plan(c leadlake.CampaignSpec, src leadlake.SourceSpec) ([]Query, error)
}

// Tiled is a Discoverer whose provider ends a search after so many rows. Its
// plan has queries with a Tile; the engine cuts tiles until none is cut short.
type Tiled interface {
	Discoverer

	// At is the same question about another tile.
	At(q Query, tile Box) Query
}

// Enricher is a source that answers about one lead.
type Enricher interface {
	Source

	// Lookup asks about a lead; no query where the lead lacks what the source
	// needs to know.
	Lookup(s Subject) []Query
}

// Judge is a source whose provider does not mean by a status, or by a body
// under status 200, what HTTP says. The zero Judgement leaves it to HTTP.
type Judge interface {
	Judge(status int, header http.Header, body []byte) Judgement
}

// Spec says what the engine has to know about a source.
type Spec struct {
	Name    string // what a campaign calls it, such as google_places
	Licence string // name of the licence rule that its records fall under
	BaseURL string // where its paths begin; empty for files

	CredentialEnv    string // environment variable that holds the key; empty for none
	CredentialHeader string // header that carries the key, or ...
	CredentialPrefix string // what stands before the key in the header, such as "Bearer "
	CredentialQuery  string // ... parameter of the URL that carries it, or ...
	CredentialBasic  bool   // ... it is the user name of HTTP Basic, without a password

	Limits []Limit // calls that the provider allows, per window and endpoint

	MaxPages  int  // pages of one query; DefaultMaxPages by default
	PageSize  int  // rows of a full page; 0 where that says nothing
	Totals    bool // the first page says how many rows there are
	ResultCap int  // rows after which the provider stops though there are more; 0 for none

	Gives       []Gift // what an Enricher may know about a lead
	BillsMisses bool   // a lookup that finds nothing costs as much as one that does

	// CostMicrosPerCall is the list price of one call, for plans, in millionths
	// of a US dollar. What a call really costs stands in its Request.
	CostMicrosPerCall int64

	PersonalFields []string // JSON paths of raw that may hold personal data
}

// DefaultMaxPages ends the paging of a provider whose cursor never ends.
const DefaultMaxPages = 1000

// Query is one question to a provider, paged through to its end.
type Query struct {
	ID             string            // from QueryID: same question, same id
	Provider       string            // name on the records
	Params         map[string]string // all that Request needs, and Parse beside Subjects
	EstimatedCalls int               // for plans and their price
	Tile           *Box              // where it looks, for sources that are Tiled
	Area           *Area             // of the root query of a Tiled plan: what its tiles have to cover; the engine sets it
	Circle         bool              // a tile's search is the circle around it
	Cap            int               // rows after which this query ends though there is more, where it is not Spec.ResultCap
	Subjects       []Subject         // the leads it is about, for lookups; the engine sets it
	Question       string            // the id of the same question without its tile; the engine sets it
}

// QueryID derives the id of a query from its provider and parameters.
func QueryID(provider string, params map[string]string) string {
	h := sha256.New()
	writeField(h, provider)
	for _, k := range slices.Sorted(maps.Keys(params)) {
		writeField(h, k)
		writeField(h, params[k])
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}

// RequestID is the deterministic id of one call: same query and cursor, same
// id, whichever run makes it.
func RequestID(q Query, cursor string) string {
	h := sha256.New()
	writeField(h, q.Provider)
	writeField(h, q.ID)
	writeField(h, cursor)
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// writeField adds s with its length, so that no two lists of fields run into
// the same bytes.
func writeField(w io.Writer, s string) {
	io.WriteString(w, strconv.Itoa(len(s))) //nolint:errcheck // a hash never fails
	io.WriteString(w, ":"+s)                //nolint:errcheck // a hash never fails
}

// Request is one call. The engine adds the credential, so an adapter never
// sees one, and refuses addresses outside the source's BaseURL.
type Request struct {
	Method     string      // GET by default
	URL        string      // a path below Spec.BaseURL beginning with "/", or FileURL(path)
	Header     http.Header // without the credential
	Body       []byte
	Endpoint   string // name of the method, for limits and the ledger: searchText
	CostMicros int64  // the most that the provider bills for this call

	// SQL, in place of a URL, is a query that DuckDB runs; its columns are key
	// and raw (JSON text), and the Response's body has a line of JSON for each
	// row: {"key": ..., "raw": ...}. Args are its parameters $1, $2, ...; Setup
	// are statements that the session runs before.
	SQL   string
	Args  []any
	Setup []string
}

// Page is what an answer says beside its rows.
type Page struct {
	Next    string   // cursor of the next page, "" after the last one
	Total   int64    // rows that the provider has for the query, also where it does not give them all; 0 where it does not say
	Refund  int64    // micros of Request.CostMicros that the provider does not bill for this answer, such as for no match
	Unknown []string // fields of rows that the adapter does not know, sorted: the provider's format has grown
}

// fileScheme marks a Request for a local file.
const fileScheme = "file:"

// FileURL is the Request.URL of a local file.
func FileURL(path string) string { return fileScheme + path }

// Response is the answer to a Request. HTTP answers are always 2xx: the engine
// turns the others into errors.
type Response struct {
	Status int
	Header http.Header
	Body   io.Reader // for files also an io.ReaderAt and io.Seeker
	Name   string    // for files the path, for messages
}

// Record is one row of an answer. Raw is valid until emit returns.
type Record struct {
	EntityKind string   // what the row is about: EntityBusiness
	Key        string   // the provider's own key; empty: the hash of Raw stands in
	RowNumber  int64    // position in the source, from 1; the line number in text files; 0: the engine counts
	Raw        []byte   // JSON, or the row as it came where there is a Problem
	Problem    *Problem // not nil: the row goes to quarantine
	Point      *Point   // where it is, from sources that are Tiled
	Gives      []Field  // what an Enricher's record knows about its subject and that may be used
}

// EntityBusiness is the kind of records that describe a business.
const EntityBusiness = "business"

// Problem says why a row cannot be a record.
type Problem struct {
	Column string // where it is, if one column is to blame
	Code   string // short and stable: bad_quoting, too_few_columns, ...
	Reason string // what is wrong and how to fix it
}
