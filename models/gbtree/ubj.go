package gbtree

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
)

// maxNesting bounds how deep containers lie in each other; a model needs nine.
const maxNesting = 64

// skipped are long arrays that scoring does not need. They may hold values
// that JSON cannot.
var skipped = [...]string{"base_weights", "loss_changes", "parents"}

// ubjToJSON writes a Universal Binary JSON document (ubjson.org, draft 12) as
// JSON, so that both of XGBoost's formats are read by one reader.
func ubjToJSON(in []byte) ([]byte, error) {
	t := transcoder{in: in, out: make([]byte, 0, 2*len(in))}
	marker, err := t.marker()
	if err == nil {
		err = t.value(marker, 0)
	}
	if err == nil && t.at != len(in) {
		err = fmt.Errorf("%d bytes follow its end", len(in)-t.at)
	}
	if err != nil {
		return nil, fmt.Errorf("at byte %d: %w", t.at, err)
	}
	return t.out, nil
}

var errEndsEarly = errors.New("the file ends early")

type transcoder struct {
	in  []byte
	at  int
	out []byte
}

func (t *transcoder) take(n int) ([]byte, error) {
	if n > len(t.in)-t.at {
		return nil, errEndsEarly
	}
	b := t.in[t.at : t.at+n]
	t.at += n
	return b, nil
}

// marker is the next byte that is not a no-op.
func (t *transcoder) marker() (byte, error) {
	for t.at < len(t.in) {
		t.at++
		if m := t.in[t.at-1]; m != 'N' {
			return m, nil
		}
	}
	return 0, errEndsEarly
}

// width is how many bytes a number of this type takes, 0 for other types.
func width(marker byte) int {
	switch marker {
	case 'i', 'U':
		return 1
	case 'I':
		return 2
	case 'l', 'd':
		return 4
	case 'L', 'D':
		return 8
	}
	return 0
}

func (t *transcoder) integer(marker byte) (int64, error) {
	n := width(marker)
	if n == 0 || marker == 'd' || marker == 'D' {
		return 0, fmt.Errorf("want a whole number, found the mark %q", marker)
	}
	b, err := t.take(n)
	if err != nil {
		return 0, err
	}
	switch marker {
	case 'i':
		return int64(int8(b[0])), nil
	case 'U':
		return int64(b[0]), nil
	case 'I':
		return int64(int16(binary.BigEndian.Uint16(b))), nil
	case 'l':
		return int64(int32(binary.BigEndian.Uint32(b))), nil
	}
	return int64(binary.BigEndian.Uint64(b)), nil
}

// length reads a count of things that take at least size bytes each.
func (t *transcoder) length(size int) (int, error) {
	marker, err := t.marker()
	if err != nil {
		return 0, err
	}
	n, err := t.integer(marker)
	switch {
	case err != nil:
		return 0, err
	case n < 0:
		return 0, fmt.Errorf("a length is %d", n)
	case n > int64((len(t.in)-t.at)/size):
		return 0, errEndsEarly
	}
	return int(n), nil
}

func (t *transcoder) text() error {
	n, err := t.length(1)
	if err != nil {
		return err
	}
	b, err := t.take(n)
	if err != nil {
		return err
	}
	quoted, err := json.Marshal(string(b))
	t.out = append(t.out, quoted...)
	return err
}

func (t *transcoder) value(marker byte, depth int) error {
	if depth > maxNesting {
		return fmt.Errorf("more than %d containers lie in each other", maxNesting)
	}
	switch marker {
	case 'Z':
		t.out = append(t.out, "null"...)
	case 'T':
		t.out = append(t.out, "true"...)
	case 'F':
		t.out = append(t.out, "false"...)
	case 'S':
		return t.text()
	case 'd', 'D':
		b, err := t.take(width(marker))
		if err != nil {
			return err
		}
		v, bits := 0.0, 64
		if marker == 'd' {
			v, bits = float64(math.Float32frombits(binary.BigEndian.Uint32(b))), 32
		} else {
			v = math.Float64frombits(binary.BigEndian.Uint64(b))
		}
		if math.IsNaN(v) || math.IsInf(v, 0) {
			t.out = append(t.out, "null"...)
			return nil
		}
		t.out = strconv.AppendFloat(t.out, v, 'g', -1, bits)
	case '{':
		return t.object(depth)
	case '[':
		return t.array(depth)
	default:
		n, err := t.integer(marker)
		if err != nil {
			return err
		}
		t.out = strconv.AppendInt(t.out, n, 10)
	}
	return nil
}

// header reads what may stand before a container's items: the type of all of
// them (0 where each has its own) and how many there are (-1: up to the end).
func (t *transcoder) header() (kind byte, count int, err error) {
	next := func() byte {
		if t.at < len(t.in) {
			return t.in[t.at]
		}
		return 0
	}
	if next() == '$' {
		t.at++
		if kind, err = t.marker(); err != nil {
			return 0, 0, err
		}
		// A type without bytes would make a billion items of ten bytes.
		if width(kind) == 0 {
			return 0, 0, fmt.Errorf("items of the type %q do not come in a model", kind)
		}
		if next() != '#' {
			return 0, 0, errors.New("a type of items without their count")
		}
	}
	if next() != '#' {
		return kind, -1, nil
	}
	t.at++
	count, err = t.length(max(1, width(kind)))
	return kind, count, err
}

// items calls each for every item of a container, until its end.
func (t *transcoder) items(end byte, each func(kind byte) error) error {
	kind, count, err := t.header()
	if err != nil {
		return err
	}
	for i := 0; i != count; i++ {
		if count < 0 {
			marker, err := t.marker()
			if err != nil {
				return err
			}
			if marker == end {
				return nil
			}
			t.at--
		}
		if i > 0 {
			t.out = append(t.out, ',')
		}
		if err := each(kind); err != nil {
			return err
		}
	}
	return nil
}

func (t *transcoder) item(kind byte, depth int) error {
	if kind == 0 {
		var err error
		if kind, err = t.marker(); err != nil {
			return err
		}
	}
	return t.value(kind, depth+1)
}

func (t *transcoder) array(depth int) error {
	t.out = append(t.out, '[')
	err := t.items(']', func(kind byte) error { return t.item(kind, depth) })
	t.out = append(t.out, ']')
	return err
}

func (t *transcoder) object(depth int) error {
	t.out = append(t.out, '{')
	err := t.items('}', func(kind byte) error {
		start := len(t.out)
		if err := t.text(); err != nil {
			return err
		}
		key := string(t.out[start+1 : len(t.out)-1])
		t.out = append(t.out, ':')
		if !slices.Contains(skipped[:], key) {
			return t.item(kind, depth)
		}
		if err := t.skip(); err != nil {
			return err
		}
		t.out = append(t.out, "null"...)
		return nil
	})
	t.out = append(t.out, '}')
	return err
}

// skip passes over an array of numbers of one type.
func (t *transcoder) skip() error {
	if marker, err := t.marker(); err != nil || marker != '[' {
		return errors.Join(err, errors.New("want an array"))
	}
	kind, count, err := t.header()
	if err != nil {
		return err
	}
	if kind == 0 && count != 0 {
		return errors.New("want an array of numbers of one type")
	}
	_, err = t.take(count * width(kind))
	return err
}
