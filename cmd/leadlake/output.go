package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/mattn/go-isatty"

	"github.com/leadlake/leadlake"
)

// Exit codes of the program.
const (
	exitOK          = 0
	exitFailure     = 1
	exitUsage       = 2
	exitNotFound    = 3
	exitConflict    = 4
	exitInterrupted = 130 // 128 + SIGINT, as shells do
)

// progressEvery is how often progress reaches a stream that is no terminal,
// where each report is a line that stays.
const progressEvery = 5 * time.Second

// printer is the only way to the standard streams: results to stdout, as text
// or as one JSON document, and all else to stderr.
type printer struct {
	stdout, stderr io.Writer
	json           bool

	wrote    bool // a result is out; an error may not follow it as a second document
	terminal bool // stderr is a terminal
	width    int  // columns of the progress line on the terminal
	last     time.Time
	now      func() time.Time
}

func newPrinter(stdout, stderr io.Writer) *printer {
	p := &printer{stdout: stdout, stderr: stderr, now: time.Now}
	if f, ok := stderr.(*os.File); ok {
		p.terminal = isatty.IsTerminal(f.Fd())
	}
	return p
}

// errReported ends a command with exit code 1 after it has printed a result
// that says what is wrong.
var errReported = errors.New("reported")

// result prints the outcome of a command: v as JSON, or what human writes.
func (p *printer) result(v any, human func(w io.Writer)) error {
	p.endProgress()
	p.wrote = true
	if !p.json {
		human(p.stdout)
		return nil
	}
	return p.document(v)
}

func (p *printer) document(v any) error {
	enc := json.NewEncoder(p.stdout)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// note tells a person something on the way; it is never part of the result.
func (p *printer) note(format string, args ...any) {
	p.endProgress()
	fmt.Fprintf(p.stderr, format+"\n", args...)
}

// progress shows where a long step stands: on a terminal as a line that each
// report overwrites, elsewhere as a line every few seconds.
func (p *printer) progress(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if p.terminal {
		fmt.Fprintf(p.stderr, "\r%-*s", p.width, text)
		p.width = max(p.width, len(text))
		return
	}
	if now := p.now(); now.Sub(p.last) >= progressEvery {
		p.last = now
		fmt.Fprintln(p.stderr, text)
	}
}

func (p *printer) endProgress() {
	if p.width > 0 {
		fmt.Fprintf(p.stderr, "\r%s\r", strings.Repeat(" ", p.width))
		p.width = 0
	}
}

// table writes rows under headings, in columns. Without headings it writes
// the rows alone.
func table(w io.Writer, headings []string, rows [][]string) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if len(headings) > 0 {
		rules := make([]string, len(headings))
		for i, h := range headings {
			rules[i] = strings.Repeat("-", max(1, len([]rune(h))))
		}
		fmt.Fprintln(tw, strings.Join(headings, "\t"))
		fmt.Fprintln(tw, strings.Join(rules, "\t"))
	}
	for _, row := range rows {
		fmt.Fprintln(tw, strings.Join(row, "\t"))
	}
	tw.Flush()
}

// problem is an error as a JSON document, after RFC 9457.
type problem struct {
	Title     string        `json:"title"`
	Code      leadlake.Code `json:"code"`
	Fix       string        `json:"fix,omitempty"`
	Retryable bool          `json:"retryable"`
}

// fail reports err, where there is one, and returns the exit code.
func (p *printer) fail(err error) int {
	p.endProgress()
	if err == nil {
		return exitOK
	}
	if errors.Is(err, errReported) {
		return exitFailure
	}
	code := leadlake.ErrorCode(err)
	title, fix := describe(err)
	if p.json && !p.wrote {
		// An error here means that nobody reads stdout; the exit code remains.
		_ = p.document(problem{Title: title, Code: code, Fix: fix, Retryable: code.Retryable()})
	} else {
		fmt.Fprintln(p.stderr, "error: "+title)
		if fix != "" {
			fmt.Fprintln(p.stderr, "fix:   "+fix)
		}
	}
	return exitCode(code)
}

// describe splits an error into what is wrong and the remedy. The person at
// the command line runs the program, so internal errors are shown, too.
func describe(err error) (title, fix string) {
	title = err.Error()
	var known *leadlake.Error
	if errors.As(err, &known) && known.Fix != "" {
		fix = known.Fix
		title = strings.TrimSuffix(title, "; "+fix)
	}
	return title, fix
}

func exitCode(code leadlake.Code) int {
	switch code {
	case leadlake.Invalid:
		return exitUsage
	case leadlake.NotFound:
		return exitNotFound
	case leadlake.Conflict:
		return exitConflict
	}
	return exitFailure
}

// interrupted says why the program ends before its work is done.
func (p *printer) interrupted() {
	p.endProgress()
	if p.json && !p.wrote {
		_ = p.document(problem{Title: "interrupted", Code: leadlake.Unavailable, Fix: interruptedFix, Retryable: true})
		return
	}
	fmt.Fprintln(p.stderr, "error: interrupted")
	fmt.Fprintln(p.stderr, "fix:   "+interruptedFix)
}

const interruptedFix = "run the same command again; it goes on where it stopped"
