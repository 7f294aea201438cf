package wire

// maxDepth is how deep the JSON of an answer may be nested. No provider comes
// near; parsers that follow nesting by recursion run out of stack far above.
const maxDepth = 1000

// tooDeep says whether a body that looks like JSON is nested deeper than
// maxDepth. It counts brackets outside of strings and parses nothing, so that
// it is right for good JSON and cheap for all.
func tooDeep(body []byte) bool {
	depth, quoted := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case quoted && c == '\\':
			i++ // what follows is no end of the string
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		case depth == 0 && c != ' ' && c != '\t' && c != '\r' && c != '\n' && c < 0x80:
			return false // a number, a word, or a page of HTML
		}
	}
	return false
}
