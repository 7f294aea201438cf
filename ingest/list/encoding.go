package list

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"github.com/leadlake/leadlake"
)

// encodingNames are the spellings that messages offer.
var encodingNames = []string{"utf-8", "latin-1", "windows-1252", "utf-16", "utf-16le", "utf-16be"}

// encodings maps folded names to decoders; nil means UTF-8, whose bytes are
// checked row by row and not replaced. Latin-1 is read as Windows-1252, its
// superset in print, because that is what files called Latin-1 hold. A byte
// order mark decides over the order that the name says.
var encodings = map[string]encoding.Encoding{
	"utf8":        nil,
	"latin1":      charmap.Windows1252,
	"iso88591":    charmap.Windows1252,
	"windows1252": charmap.Windows1252,
	"cp1252":      charmap.Windows1252,
	"utf16":       unicode.UTF16(unicode.LittleEndian, unicode.UseBOM),
	"utf16le":     unicode.UTF16(unicode.LittleEndian, unicode.UseBOM),
	"utf16be":     unicode.UTF16(unicode.BigEndian, unicode.UseBOM),
}

// lookupEncoding returns nil, nil for UTF-8 and for no name.
func lookupEncoding(name string) (encoding.Encoding, error) {
	if name == "" {
		return nil, nil
	}
	enc, ok := encodings[fold(name)]
	if !ok {
		return nil, fmt.Errorf("encoding %q is unknown", name)
	}
	return enc, nil
}

// text returns the file as UTF-8 without a byte order mark. Where the user
// names no encoding, the whole file is looked at: a guess from its start
// would miss the one accent in row 900,000.
func (t *table) text(in file) (io.Reader, error) {
	enc, err := lookupEncoding(t.src.Encoding)
	if err != nil {
		return nil, leadlake.Errorf(leadlake.Invalid, "list %s: %w", t.file, err)
	}
	if t.src.Encoding == "" {
		if enc, err = guessEncoding(in); err != nil {
			return nil, leadlake.Errorf(leadlake.Unavailable, "read list %s: %w", t.file, err)
		}
	}
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return nil, leadlake.Errorf(leadlake.Unavailable, "read list %s: %w", t.file, err)
	}
	if enc != nil {
		return transform.NewReader(in, enc.NewDecoder()), nil
	}
	mark := make([]byte, len(bomUTF8))
	if n, _ := in.ReadAt(mark, 0); n == len(mark) && bytes.Equal(mark, bomUTF8) {
		if _, err := in.Seek(int64(len(mark)), io.SeekStart); err != nil {
			return nil, leadlake.Errorf(leadlake.Unavailable, "read list %s: %w", t.file, err)
		}
	}
	return in, nil
}

var (
	bomUTF8 = []byte("\xef\xbb\xbf")
	bomLE   = []byte("\xff\xfe")
	bomBE   = []byte("\xfe\xff")
)

// guessEncoding reads the whole file: marks first, then the zero bytes of
// UTF-16, then whether the bytes are UTF-8 by and large.
func guessEncoding(in file) (encoding.Encoding, error) {
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	var c byteCounts
	buf := make([]byte, 1<<20)
	kept := 0 // bytes of a character that the last block cut
	for first := true; ; first = false {
		n, err := io.ReadFull(in, buf[kept:])
		block := buf[:kept+n]
		if first {
			switch {
			case bytes.HasPrefix(block, bomUTF8):
				return nil, nil
			case bytes.HasPrefix(block, bomLE), bytes.HasPrefix(block, bomBE):
				return encodings["utf16"], nil
			}
			if enc := guessUTF16(block[:min(len(block), 4096)]); enc != nil {
				return enc, nil
			}
		}
		rest := c.add(block, err != nil)
		kept = copy(buf, rest)
		switch err {
		case nil:
		case io.EOF, io.ErrUnexpectedEOF:
			// A few bad bytes in a file full of good UTF-8 are bad rows; bad
			// bytes that outnumber the good sequences mean another encoding.
			if c.invalid > c.sequences {
				return charmap.Windows1252, nil
			}
			return nil, nil
		default:
			return nil, err
		}
	}
}

// guessUTF16 knows text of Western letters by a zero in every second byte.
func guessUTF16(head []byte) encoding.Encoding {
	var zeros [2]int
	for i, b := range head {
		if b == 0 {
			zeros[i%2]++
		}
	}
	switch enough := len(head) / 4; {
	case len(head) < 8:
		return nil
	case zeros[1] > enough && zeros[0] == 0:
		return encodings["utf16le"]
	case zeros[0] > enough && zeros[1] == 0:
		return encodings["utf16be"]
	}
	return nil
}

// byteCounts says how much of a text is UTF-8 beyond ASCII.
type byteCounts struct{ sequences, invalid int }

// add counts a block and returns its last bytes if they may be the start of a
// character that goes on in the next block.
func (c *byteCounts) add(block []byte, last bool) (rest []byte) {
	for len(block) > 0 {
		block = skipASCII(block)
		if len(block) == 0 {
			return nil
		}
		if !last && !utf8.FullRune(block) {
			return block
		}
		r, size := utf8.DecodeRune(block)
		if r == utf8.RuneError && size == 1 {
			c.invalid++
		} else {
			c.sequences++
		}
		block = block[size:]
	}
	return nil
}

// skipASCII returns block from its first byte beyond ASCII, eight bytes at a
// time: most of most files is skipped here.
func skipASCII(block []byte) []byte {
	for len(block) >= 8 && binary.LittleEndian.Uint64(block)&0x8080808080808080 == 0 {
		block = block[8:]
	}
	for len(block) > 0 && block[0] < utf8.RuneSelf {
		block = block[1:]
	}
	return block
}
