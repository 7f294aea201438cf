package list

import "unicode/utf8"

const hexDigits = "0123456789abcdef"

// jsonKey is a member's name as JSON with its colon.
func jsonKey(name string) string { return string(append(appendString(nil, name), ':')) }

// appendMember appends a member of an object, with a comma where the object
// has one before it.
func appendMember(dst []byte, key, value string) []byte {
	if dst[len(dst)-1] != '{' {
		dst = append(dst, ',')
	}
	dst = append(dst, key...)
	return appendString(dst, value)
}

// appendString appends s as a JSON string. One text has one encoding, since
// records are hashed: only what must be escaped is. A byte that is not UTF-8
// becomes the four characters \xNN, so that a bad value can still be read.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		b := s[i]
		if b >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(dst, s[start:i]...)
				dst = append(dst, '\\', '\\', 'x', hexDigits[b>>4], hexDigits[b&15])
				start = i + 1
			}
			i += size
			continue
		}
		if b >= ' ' && b != '"' && b != '\\' {
			i++
			continue
		}
		dst = append(dst, s[start:i]...)
		switch b {
		case '"', '\\':
			dst = append(dst, '\\', b)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[b>>4], hexDigits[b&15])
		}
		i++
		start = i
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}
