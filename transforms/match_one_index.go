package transforms

import (
	"database/sql/driver"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"sort"

	"github.com/leadlake/leadlake"
)

// matchIndex is an open match index. It may be read by many at a time.
type matchIndex struct {
	matchHeader
	file *os.File
	at   map[string]int // place of a column in a row
}

// openMatchIndex reads what the file says of itself. A file that is no index,
// or of another program, is a Conflict: it has to be made anew.
func openMatchIndex(path string) (*matchIndex, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, leadlake.Errorf(leadlake.NotFound, "open match index: %w", err).WithFix("leadlake match makes it")
	}
	x := &matchIndex{file: f}
	if err := x.load(); err != nil {
		f.Close() // nothing was written
		return nil, leadlake.Errorf(leadlake.Conflict, "open match index %s: %w", path, err).WithFix("delete it; leadlake match makes it anew")
	}
	return x, nil
}

func (x *matchIndex) load() error {
	info, err := x.file.Stat()
	if err != nil {
		return err
	}
	tail := make([]byte, 8+len(matchMark))
	if info.Size() < int64(len(tail)) {
		return fmt.Errorf("it is too short")
	}
	end := info.Size() - int64(len(tail))
	if _, err := x.file.ReadAt(tail, end); err != nil {
		return err
	}
	size := binary.LittleEndian.Uint64(tail)
	if string(tail[8:]) != matchMark || size > uint64(end) {
		return fmt.Errorf("it is none")
	}
	text := make([]byte, size)
	if _, err := x.file.ReadAt(text, end-int64(size)); err != nil {
		return err
	}
	if err := json.Unmarshal(text, &x.matchHeader); err != nil {
		return err
	}
	want, err := indexFingerprint()
	if err != nil {
		return err
	}
	if x.Fingerprint != want {
		return fmt.Errorf("it was made by another release")
	}
	x.at = map[string]int{}
	for i, c := range x.Columns {
		x.at[c.Name] = i
	}
	for _, t := range []*sortedTable{&x.Postings, &x.Words, &x.Contacts} {
		if err := t.load(x.file); err != nil {
			return err
		}
	}
	return nil
}

// Close closes the file.
func (x *matchIndex) Close() error { return x.file.Close() }

// record is a row of the index.
type record []driver.Value

// row reads a record by its id, from 1.
func (x *matchIndex) row(id int64) (record, error) {
	if id < 1 || id > x.Records {
		return nil, fmt.Errorf("read match index: there is no record %d", id)
	}
	var bounds [16]byte
	if _, err := x.file.ReadAt(bounds[:], x.OffsetsAt+8*(id-1)); err != nil {
		return nil, fmt.Errorf("read match index: %w", err)
	}
	from, to := binary.LittleEndian.Uint64(bounds[:8]), binary.LittleEndian.Uint64(bounds[8:])
	if to < from || to > uint64(x.OffsetsAt) {
		return nil, fmt.Errorf("read match index: record %d is damaged", id)
	}
	raw := make([]byte, to-from)
	if _, err := x.file.ReadAt(raw, int64(from)); err != nil {
		return nil, fmt.Errorf("read match index: %w", err)
	}
	return decodeRow(raw, x.Columns)
}

// text is a column of a record that is a text; empty for null.
func (x *matchIndex) text(r record, column string) string {
	s, _ := r[x.at[column]].(string)
	return s
}

func (x *matchIndex) key(r record) leadlake.RecordKey {
	return leadlake.RecordKey{Provider: x.text(r, "provider"), Key: x.text(r, "provider_key")}
}

func (x *matchIndex) isAnswer(r record) bool { return r[x.at["subject_key"]] != nil }

// find returns the records of a key: the source's own row, if there is one, and
// answers of that key. Records are in the order of whether they are answers,
// and of their keys.
func (x *matchIndex) find(key leadlake.RecordKey) ([]int64, error) {
	var found []int64
	for _, isAnswer := range []bool{false, true} {
		var failed error
		first := sort.Search(int(x.Records), func(i int) bool {
			r, err := x.row(int64(i) + 1)
			if err != nil {
				failed = err
				return true
			}
			if x.isAnswer(r) != isAnswer {
				return x.isAnswer(r)
			}
			return !keyBefore(x.key(r), key)
		})
		for id := int64(first) + 1; id <= x.Records && failed == nil; id++ {
			r, err := x.row(id)
			if err != nil {
				return nil, err
			}
			if x.isAnswer(r) != isAnswer || x.key(r) != key {
				break
			}
			found = append(found, id)
		}
		if failed != nil {
			return nil, failed
		}
	}
	return found, nil
}

// keyBefore orders keys as int_records_kept does.
func keyBefore(a, b leadlake.RecordKey) bool {
	if a.Provider != b.Provider {
		return a.Provider < b.Provider
	}
	return a.Key < b.Key
}

// blocked lists the records that share a block with a record of these keys.
func (x *matchIndex) blocked(keys []blockKey) ([]int64, error) {
	seen := map[int64]bool{}
	var out []int64
	var read func(key uint64, part *uint64) error
	read = func(key uint64, part *uint64) error {
		isLarge := false
		err := x.Postings.each(x.file, key, mostInPart, func(value []byte) {
			id := int64(binary.LittleEndian.Uint32(value))
			if id == 0 {
				isLarge = true
			} else if !seen[id] {
				seen[id] = true
				out = append(out, id)
			}
		})
		if err != nil || !isLarge || part == nil {
			return err
		}
		return read(*part, nil)
	}
	for _, k := range keys {
		if err := read(k.key, &k.part); err != nil {
			return nil, err
		}
	}
	slices.Sort(out)
	return out, nil
}

// blockKey is a blocking key of a record, and the key of its part where the
// block is large.
type blockKey struct{ key, part uint64 }

// weightOf is what a word weighs.
func (x *matchIndex) weightOf(word string) (int64, error) {
	weight := tokenWeight(x.Names, 1)
	err := x.Words.each(x.file, wordKey(word), 1, func(value []byte) { weight = int64(binary.LittleEndian.Uint32(value)) })
	return weight, err
}

// sharedBy is how many records have a contact, 0 where it is not many.
func (x *matchIndex) sharedBy(kind, contact string) (int64, error) {
	var records int64
	if contact == "" {
		return 0, nil
	}
	err := x.Contacts.each(x.file, wordKey(kind+" "+contact), 1, func(value []byte) { records = int64(binary.LittleEndian.Uint32(value)) })
	return records, err
}

// tokensOf are the tokens of a name's words.
func (x *matchIndex) tokensOf(book wordBook, name string) (map[string]int64, error) {
	tokens := map[string]int64{}
	for _, w := range book.words(name) {
		weight, err := x.weightOf(w)
		if err != nil {
			return nil, err
		}
		tokens[w] = book.token(w, weight)
	}
	return tokens, nil
}
