package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/leadlake/leadlake/serve/deliver"
)

// endStates are the states of a summary, in the order in which it has them.
var endStates = []deliver.State{
	deliver.Skipped, deliver.Suppressed, deliver.Rejected, deliver.Dead, deliver.Dropped, deliver.InDoubt, deliver.Sending, deliver.Planned,
}

// stateWords say what a state means for a row.
var stateWords = map[deliver.State]string{
	deliver.Skipped:    "nothing to do, or the mode does not allow it",
	deliver.Suppressed: "they do not want it",
	deliver.Rejected:   "refused, and will be as they are",
	deliver.Dead:       "given up after so many attempts",
	deliver.Dropped:    "thrown away by somebody",
	deliver.InDoubt:    "no answer: looked up before anything is sent again",
	deliver.Sending:    "being sent",
	deliver.Planned:    "yet to be sent",
}

// printSummary shows where each row of a delivery went.
func printSummary(w io.Writer, s deliver.Summary) {
	what := "delivery " + s.DeliveryID + " to " + s.Destination
	if s.Undoes != "" {
		what = "undo " + s.DeliveryID + " of delivery " + s.Undoes + " at " + s.Destination
	}
	fmt.Fprintln(w, what)
	rows := [][]string{}
	add := func(name string, n int64, why string) {
		if n > 0 {
			rows = append(rows, []string{"  " + name, count(n), why})
		}
	}
	add("created", s.Ops[deliver.Create], "")
	add("updated", s.Ops[deliver.Update], "")
	add("removed", s.Ops[deliver.Remove], "")
	add("unchanged", s.Unchanged, "they are there as they are here")
	for _, state := range endStates {
		add(string(state), s.Rows[state], stateWords[state])
	}
	from := count(s.Given) + " leads"
	if s.Undoes != "" {
		from = count(s.Given) + " rows"
	}
	if s.Removals > 0 {
		from += " and " + count(s.Removals) + " that are not among them any more"
	}
	if len(rows) == 0 {
		fmt.Fprintf(w, "  %s: nothing to do\n", from)
		return
	}
	table(w, nil, append(rows, []string{"  =", from, ""}))
	if s.Rows[deliver.Rejected]+s.Rows[deliver.Dead] > 0 {
		fmt.Fprintf(w, "why, and what to do: leadlake deliver show %s\n", s.DeliveryID)
	}
	if text := unfinished(s); text != "" {
		fmt.Fprintln(w, text)
	}
}

// changePrinter prints the rows of a dry run as they come: there may be more
// than memory holds.
type changePrinter struct {
	out  *printer
	mode deliver.Mode
	rows int
}

func newChangePrinter(out *printer, mode deliver.Mode) *changePrinter {
	return &changePrinter{out: out, mode: mode}
}

// begin opens the document.
func (p *changePrinter) begin() {
	if p.rows == 0 && p.out.json {
		p.out.wrote = true
		fmt.Fprint(p.out.stdout, `{"changes": [`)
	}
}

func (p *changePrinter) change(c deliver.Change) error {
	p.begin()
	p.rows++
	if p.out.json {
		text, err := marshal(c)
		if err != nil {
			return err
		}
		if p.rows > 1 {
			fmt.Fprint(p.out.stdout, ",")
		}
		_, err = fmt.Fprintf(p.out.stdout, "\n  %s", text)
		return err
	}
	verb := string(c.Op)
	if c.State != deliver.Planned {
		verb = map[deliver.State]string{deliver.Skipped: "skip", deliver.Rejected: "reject", deliver.Suppressed: "suppress"}[c.State]
	}
	line := verb + "  " + c.Key
	if c.LeadID != c.Key {
		line += "  lead " + c.LeadID
	}
	if c.State != deliver.Planned {
		line += "  " + c.Code + ": " + c.Reason
	}
	if c.Fix != "" {
		line += " (" + c.Fix + ")"
	}
	var text strings.Builder
	text.WriteString(line + "\n")
	for _, f := range c.Fields {
		if c.Op == deliver.Create {
			fmt.Fprintf(&text, "    %s: %s\n", f.Field, short(f.After))
			continue
		}
		fmt.Fprintf(&text, "    %s: %s -> %s\n", f.Field, short(f.Before), short(f.After))
	}
	_, err := io.WriteString(p.out.stdout, text.String())
	return err
}

// end closes the document with what the rows add up to.
func (p *changePrinter) end(s deliver.Summary, err error) error {
	if p.out.json {
		if p.rows == 0 && err != nil {
			return err
		}
		p.begin()
		text, textErr := marshal(reportOf(s))
		if err != nil {
			text = []byte("null")
		}
		fmt.Fprintf(p.out.stdout, "\n], \"summary\": %s}\n", text)
		return errors.Join(err, textErr)
	}
	if err != nil {
		return err
	}
	parts := []string{}
	for _, op := range []deliver.Op{deliver.Create, deliver.Update, deliver.Remove} {
		if n := s.Ops[op]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s to %s", count(n), op))
		}
	}
	if s.Unchanged > 0 {
		parts = append(parts, count(s.Unchanged)+" unchanged")
	}
	for _, state := range endStates {
		if n := s.Rows[state]; n > 0 && state != deliver.Planned {
			parts = append(parts, fmt.Sprintf("%s %s", count(n), state))
		}
	}
	if len(parts) == 0 {
		parts = []string{"nothing to do"}
	}
	return p.out.result(nil, func(w io.Writer) {
		fmt.Fprintf(w, "%s leads to %s: %s; nothing was sent\n", count(s.Given), s.Destination, strings.Join(parts, ", "))
	})
}

// short is a value that fits into a line.
func short(value json.RawMessage) string {
	const most = 160
	text := []rune(string(value))
	if len(text) <= most {
		return string(text)
	}
	return string(text[:most]) + "..."
}

// marshal is JSON as its reader sees it.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSpace(b.Bytes()), err
}

// cause is those rows of a delivery that ended alike.
type cause struct {
	State deliver.State `json:"state"`
	Op    deliver.Op    `json:"op"`
	Code  string        `json:"code,omitempty"`
	Rows  int64         `json:"rows"`
	Row   int64         `json:"first_row"`
	Key   string        `json:"first_key"`
	Why   string        `json:"reason,omitempty"` // of the first row
	Fix   string        `json:"fix,omitempty"`
}

// causesOf groups the rows of a delivery by what became of them, the failures
// first.
func causesOf(each func(func(deliver.Letter) error) error) ([]cause, error) {
	type key struct {
		state deliver.State
		op    deliver.Op
		code  string
	}
	at := map[key]int{}
	var all []cause
	err := each(func(l deliver.Letter) error {
		k := key{l.State, l.Op, l.Code}
		i, ok := at[k]
		if !ok {
			i = len(all)
			at[k] = i
			all = append(all, cause{State: l.State, Op: l.Op, Code: l.Code, Row: l.Position, Key: l.Key, Why: l.Reason, Fix: l.Fix})
		}
		all[i].Rows++
		return nil
	})
	order := []deliver.State{
		deliver.Rejected, deliver.Dead, deliver.InDoubt, deliver.Sending, deliver.Planned, deliver.Dropped, deliver.Suppressed, deliver.Skipped, deliver.Accepted,
	}
	slices.SortStableFunc(all, func(x, y cause) int { return slices.Index(order, x.State) - slices.Index(order, y.State) })
	return all, err
}
