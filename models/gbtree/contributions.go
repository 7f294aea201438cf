package gbtree

import "encoding/binary"

// explainBlocks is how many blocks go through a tree's tables before the next
// tree's come into the cache.
const explainBlocks = 4

// explained has the contributions of a block, a column for each output and
// feature; the last of an output is its bias.
type explained struct {
	*scratch
	columns [][blockRows]float64
	from, n int
}

func (m *Model) contributions(dst []float64, src source) error {
	e := m.explainer()
	width := len(m.names) + 1
	rows := src.rows()
	blocks := make([]explained, min(explainBlocks, (rows+blockRows-1)/blockRows))
	for i := range blocks {
		s := m.scratch.Get().(*scratch)
		defer m.scratch.Put(s)
		blocks[i] = explained{scratch: s, columns: make([][blockRows]float64, len(m.base)*width)}
	}
	for from := 0; from < rows; {
		loaded := 0
		for ; loaded < len(blocks) && from < rows; loaded++ {
			b := &blocks[loaded]
			b.from, b.n = from, min(blockRows, rows-from)
			if err := m.load(b.scratch, src, b.from, b.n); err != nil {
				return err
			}
			clear(b.columns)
			from += b.n
		}
		for i := range m.trees {
			for k := range blocks[:loaded] {
				m.explain(e, i, &blocks[k])
			}
		}
		for k := range blocks[:loaded] {
			b := &blocks[k]
			out := dst[b.from*len(b.columns):]
			for c := range b.columns {
				for r, v := range b.columns[c][:b.n] {
					out[r*len(b.columns)+c] = v
				}
			}
			for g, bias := range e.bias {
				for r := range b.n {
					out[r*len(b.columns)+(g+1)*width-1] = bias
				}
			}
		}
	}
	return nil
}

// explain adds a tree's contributions to those of a block.
func (m *Model) explain(e *explainer, tree int, b *explained) {
	width := len(m.names) + 1
	columns := b.columns[m.trees[tree].group*width:][:width]
	if e.units[tree] == nil {
		w := walker{tree: &m.trees[tree], values: b.values, columns: columns}
		for w.row = range b.n {
			w.walk(0, 0, nil, 1, 1, -1)
		}
		return
	}
	for i := range e.units[tree] {
		u := &e.units[tree][i]
		var codes [blockRows]byte
		u.codes(&codes, b.answers)
		size := 1 << len(u.bits)
		for j, f := range u.features {
			column := (*[1 << maxUnitBits]float32)(e.tables[u.table+j*size:])
			sums := &columns[f]
			for r := 0; r < blockRows; r += 4 {
				c, s := (*[4]byte)(codes[r:]), (*[4]float64)(sums[r:])
				s[0] += float64(column[c[0]])
				s[1] += float64(column[c[1]])
				s[2] += float64(column[c[2]])
				s[3] += float64(column[c[3]])
			}
		}
	}
}

// codes gives the bits of a unit for each row of a block.
func (u *unit) codes(codes *[blockRows]byte, answers []uint64) {
	var words [maxUnitBits]uint64
	for i, b := range u.bits {
		word := ^uint64(0)
		for _, a := range b {
			if a.not {
				word &^= answers[a.word]
			} else {
				word &= answers[a.word]
			}
		}
		words[i&(maxUnitBits-1)] = word
	}
	for r := 0; r < blockRows; r += 8 {
		eight := uint64(0)
		for i := len(u.bits) - 1; i >= 0; i-- {
			eight = eight<<1 | spread[byte(words[i&(maxUnitBits-1)]>>r)]
		}
		binary.LittleEndian.PutUint64(codes[r:], eight)
	}
}
