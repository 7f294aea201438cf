// Package csv delivers changes of leads as CSV objects, to a folder or to S3.
// A batch is one object, under a key that follows from the batch and is written
// once. Each line says with op whether its lead is new, changed or gone.
package csv

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/serve/deliver"
)

// Config sets a destination up.
type Config struct {
	Name    string   // csv, or s3
	Prefix  string   // what keys begin with; "deliveries"
	Columns []string // after op, key and lead_id: the mapping's, in its order; by default those of the rows, sorted
}

// Destination is one place for objects.
type Destination struct{ cfg Config }

var (
	_ deliver.Destination = (*Destination)(nil)
	_ deliver.Finisher    = (*Destination)(nil)
)

// New makes a destination.
func New(cfg Config) *Destination {
	cfg.Name = cmp.Or(cfg.Name, "csv")
	cfg.Prefix = strings.Trim(cmp.Or(cfg.Prefix, "deliveries"), "/")
	return &Destination{cfg}
}

// objectRows bounds the lines of one object.
const objectRows = 10_000

// Spec describes the destination.
func (d *Destination) Spec() deliver.Spec {
	return deliver.Spec{
		Name: d.cfg.Name, BatchRows: objectRows, Parallel: 4, Removes: true, Repeatable: true,
		Effect: "an object under a key that follows from the batch, written only where there is none",
	}
}

// Authorize needs nothing: the bucket is open.
func (d *Destination) Authorize(deliver.Session) (deliver.Access, error) {
	return deliver.Access{}, nil
}

// Describe says that any column may be written.
func (d *Destination) Describe(deliver.Session) (deliver.Schema, error) { return deliver.Schema{}, nil }

// Deliver writes an object. Where there is one already, it was an earlier
// attempt's; what that lacks gets an object whose key follows from its lines.
func (d *Destination) Deliver(s deliver.Session, b deliver.Batch) ([]deliver.Outcome, error) {
	if len(b.Rows) == 0 {
		return nil, nil
	}
	folder := d.cfg.Prefix + "/" + b.Delivery + "/"
	key := folder + b.ID + ".csv"
	outcomes := make([]deliver.Outcome, len(b.Rows))
	lines := d.lines(b.Rows)
	all := make([]int, len(b.Rows))
	for n := range all {
		all[n] = n
	}
	put, err := s.Call(deliver.Request{Method: http.MethodPut, Object: key, Body: encode(d.header(b.Rows), lines), Rows: all})
	if err != nil {
		return nil, err
	}
	var missing []int
	if !put.OK() {
		if missing, err = d.missing(s, key, d.header(b.Rows), lines); err != nil {
			return nil, err
		}
	}
	for n := range outcomes {
		outcomes[n] = deliver.Outcome{State: deliver.Accepted, ID: key}
	}
	if len(missing) == 0 {
		return outcomes, nil
	}
	var rest [][]string
	for _, n := range missing {
		rest = append(rest, lines[n])
	}
	body := encode(d.header(b.Rows), rest)
	sum := sha256.Sum256(body)
	key = folder + b.ID + "-" + hex.EncodeToString(sum[:8]) + ".csv"
	// One that is there has the same lines: its key says so.
	if _, err := s.Call(deliver.Request{Method: http.MethodPut, Object: key, Body: body, Rows: missing}); err != nil {
		for _, n := range missing {
			outcomes[n] = deliver.Outcome{}
		}
		return outcomes, err
	}
	for _, n := range missing {
		outcomes[n].ID = key
	}
	return outcomes, nil
}

// missing lists the lines that an object does not have.
func (d *Destination) missing(s deliver.Session, key string, header []string, lines [][]string) ([]int, error) {
	got, err := s.Call(deliver.Request{Object: key})
	if err != nil {
		return nil, err
	}
	there, err := csv.NewReader(bytes.NewReader(got.Body)).ReadAll()
	if err != nil {
		return nil, leadlake.Errorf(leadlake.Invalid, "read object %s: %w", key, err).WithFix("somebody has changed it: move it away")
	}
	has := map[string]bool{}
	if len(there) > 0 && slices.Equal(there[0], header) {
		for _, line := range there[1:] {
			has[strings.Join(line, "\x00")] = true
		}
	}
	var missing []int
	for n, line := range lines {
		if !has[strings.Join(line, "\x00")] {
			missing = append(missing, n)
		}
	}
	return missing, nil
}

func (d *Destination) columns(rows []deliver.Row) []string {
	if d.cfg.Columns != nil {
		return d.cfg.Columns
	}
	names := map[string]bool{}
	for _, row := range rows {
		for name := range row.Fields {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

func (d *Destination) header(rows []deliver.Row) []string {
	return append([]string{"op", "key", "lead_id"}, d.columns(rows)...)
}

func (d *Destination) lines(rows []deliver.Row) [][]string {
	columns := d.columns(rows)
	var lines [][]string
	for _, row := range rows {
		line := []string{string(row.Op), Cell(row.Key), Cell(row.LeadID)}
		for _, name := range columns {
			text := ""
			if row.Op != deliver.Remove {
				text = Cell(row.Fields.Text(name))
			}
			line = append(line, text)
		}
		lines = append(lines, line)
	}
	return lines
}

func encode(header []string, lines [][]string) []byte {
	var text bytes.Buffer
	w := csv.NewWriter(&text)
	_ = w.Write(header)   // a buffer takes everything
	_ = w.WriteAll(lines) // and flushes
	return text.Bytes()
}

// harmless are cells that begin like a formula and are none: numbers and phone
// numbers in E.164.
var harmless = regexp.MustCompile(`^[+-]?\d+([.,]\d+)?$`)

// Cell is a text as a cell that no spreadsheet runs: what begins like a formula
// gets a leading apostrophe (OWASP, "CSV Injection").
func Cell(text string) string {
	text = strings.ReplaceAll(text, "\r", " ") // csv would change it when it is read back
	if text != "" && strings.ContainsRune("=+-@\t\n", rune(text[0])) && !harmless.MatchString(text) {
		return "'" + text
	}
	return text
}

// Finish writes the manifest.
func (d *Destination) Finish(s deliver.Session, sum deliver.Summary) error {
	body, err := json.MarshalIndent(map[string]any{
		"delivery_id": sum.DeliveryID, "mode": sum.Mode, "rows": sum.Rows[deliver.Accepted], "ops": sum.Ops,
	}, "", "  ")
	if err != nil {
		return leadlake.Errorf(leadlake.Internal, "write manifest of %s: %w", sum.DeliveryID, err)
	}
	_, err = s.Call(deliver.Request{Method: http.MethodPut, Object: d.cfg.Prefix + "/" + sum.DeliveryID + "/manifest.json", Body: body})
	return err
}

// Probe is not used: the engine sends again what is in doubt, under the same
// key.
func (d *Destination) Probe(_ deliver.Session, rows []deliver.Row) ([]deliver.Found, error) {
	return make([]deliver.Found, len(rows)), nil
}

// Feedback has none.
func (d *Destination) Feedback(_ deliver.Session, cursor string) (deliver.Feedback, error) {
	return deliver.Feedback{Next: cursor}, nil
}
