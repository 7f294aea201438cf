package transforms

import "strings"

// token is a stretch of SQL text that is code, a comment or a quoted text.
type token struct {
	text   string
	isCode bool
	isNote bool // a comment
	line   int  // line of its first character, from 1
}

// tokens splits SQL text at comments and quotes, so that a semicolon in a
// string is not taken for the end of a statement.
func tokens(text string) []token {
	var out []token
	line, start := 1, 0
	push := func(end int, isCode, isNote bool) {
		if end > start {
			out = append(out, token{text: text[start:end], isCode: isCode, isNote: isNote, line: line})
			line += strings.Count(text[start:end], "\n")
		}
		start = end
	}
	for i := 0; i < len(text); {
		end, isNote := quotedEnd(text, i)
		if end == i {
			i++
			continue
		}
		push(i, true, false)
		push(end, false, isNote)
		i = end
	}
	push(len(text), true, false)
	return out
}

// quotedEnd says where the comment or quoted text that starts at i ends; it is
// i where none starts. What is never closed ends with the text.
func quotedEnd(text string, i int) (end int, isNote bool) {
	until := func(open, closer string) int {
		at := strings.Index(text[i+len(open):], closer)
		if at < 0 {
			return len(text)
		}
		return i + len(open) + at + len(closer)
	}
	rest := text[i:]
	switch {
	case strings.HasPrefix(rest, "--"):
		return until("--", "\n"), true
	case strings.HasPrefix(rest, "/*"):
		return until("/*", "*/"), true
	case strings.HasPrefix(rest, "'"):
		return until("'", "'"), false
	case strings.HasPrefix(rest, `"`):
		return until(`"`, `"`), false
	case strings.HasPrefix(rest, "$$"):
		return until("$$", "$$"), false
	}
	return i, false
}

// isBlank says that a text has nothing but comments.
func isBlank(text string) bool {
	for _, t := range tokens(text) {
		if !t.isNote && strings.TrimSpace(t.text) != "" {
			return false
		}
	}
	return true
}

// Statements counts the statements of a SQL text: what stands between
// semicolons that are not in quotes or comments.
func Statements(text string) int {
	statements, begun := 0, false
	for _, t := range tokens(text) {
		if t.isNote {
			continue
		}
		if !t.isCode {
			begun = true
			continue
		}
		for i, part := range strings.Split(t.text, ";") {
			if i > 0 && begun {
				statements, begun = statements+1, false
			}
			begun = begun || strings.TrimSpace(part) != ""
		}
	}
	if begun {
		statements++
	}
	return statements
}

// oneStatement refuses a text without a statement, and one with a semicolon: a
// model is built into larger statements.
func oneStatement(file, text string) error {
	for _, t := range tokens(text) {
		if at := strings.IndexByte(t.text, ';'); t.isCode && at >= 0 {
			return fault(file, t.line+strings.Count(t.text[:at], "\n"), "a semicolon").
				WithFix("a model is one SELECT: remove the semicolon, and move other statements to files of their own")
		}
	}
	if isBlank(text) {
		return fault(file, 1, "no SELECT after the header").WithFix("write the query")
	}
	return nil
}

// lineAt is the line, from 1, of a byte position.
func lineAt(text string, position int) int {
	if position < 0 || position > len(text) {
		return 1
	}
	return 1 + strings.Count(text[:position], "\n")
}
