package transforms

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"sort"
)

// sortedTable is a section of a match index: entries of a fixed width in the
// order of their first eight bytes, the key. Every sparseEvery-th key is kept
// in memory, so that a look-up reads the file once.
type sortedTable struct {
	At      int64    `json:"at"`
	Entries int64    `json:"entries"`
	Width   int      `json:"width"` // bytes of an entry, with its key
	Sparse  []uint64 `json:"-"`
	// SparseAt is where the sparse keys stand.
	SparseAt int64 `json:"sparse_at"`
}

const sparseEvery = 128

// sectionWriter writes sections one after another.
type sectionWriter struct {
	w  io.Writer
	at int64
}

func (s *sectionWriter) write(b []byte) error {
	n, err := s.w.Write(b)
	s.at += int64(n)
	if err != nil {
		return fmt.Errorf("write match index: %w", err)
	}
	return nil
}

// table writes a sortedTable. Each call of fill hands entries, in order, to
// emit.
func (s *sectionWriter) table(width int, fill func(emit func(key uint64, value []byte) error) error) (sortedTable, error) {
	t := sortedTable{At: s.at, Width: width}
	entry := make([]byte, width)
	last := uint64(0)
	err := fill(func(key uint64, value []byte) error {
		if key < last {
			return fmt.Errorf("write match index: keys are not in order")
		}
		last = key
		if t.Entries%sparseEvery == 0 {
			t.Sparse = append(t.Sparse, key)
		}
		t.Entries++
		binary.LittleEndian.PutUint64(entry, key)
		copy(entry[8:], value)
		return s.write(entry)
	})
	if err != nil {
		return t, err
	}
	t.SparseAt = s.at
	for _, key := range t.Sparse {
		binary.LittleEndian.PutUint64(entry, key)
		if err := s.write(entry[:8]); err != nil {
			return t, err
		}
	}
	return t, nil
}

// load reads the sparse keys.
func (t *sortedTable) load(f io.ReaderAt) error {
	n := (t.Entries + sparseEvery - 1) / sparseEvery
	raw := make([]byte, 8*n)
	if _, err := f.ReadAt(raw, t.SparseAt); err != nil {
		return fmt.Errorf("read match index: %w", err)
	}
	t.Sparse = make([]uint64, n)
	for i := range t.Sparse {
		t.Sparse[i] = binary.LittleEndian.Uint64(raw[8*i:])
	}
	return nil
}

// each hands the values of a key to fn, at most limit of them.
func (t *sortedTable) each(f *os.File, key uint64, limit int, fn func(value []byte)) error {
	// The first entry of the key may stand before the first sparse key that is
	// not smaller.
	first := sort.Search(len(t.Sparse), func(i int) bool { return t.Sparse[i] >= key })
	chunk := make([]byte, sparseEvery*t.Width)
	for block := max(0, first-1); block < len(t.Sparse); block++ {
		if t.Sparse[block] > key {
			return nil
		}
		n := int(min(sparseEvery, t.Entries-int64(block)*sparseEvery))
		part := chunk[:n*t.Width]
		if _, err := f.ReadAt(part, t.At+int64(block)*sparseEvery*int64(t.Width)); err != nil {
			return fmt.Errorf("read match index: %w", err)
		}
		at := sort.Search(n, func(i int) bool { return binary.LittleEndian.Uint64(part[i*t.Width:]) >= key })
		for ; at < n; at++ {
			entry := part[at*t.Width : (at+1)*t.Width]
			if binary.LittleEndian.Uint64(entry) != key || limit == 0 {
				return nil
			}
			fn(entry[8:])
			limit--
		}
	}
	return nil
}
