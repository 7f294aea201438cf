// Command bizgen writes records of made-up businesses as several sources print
// them, of which it is known which are one business: for measuring resolution
// at sizes for which no labelled data exist.
//
//	bizgen -n 10000000 -out FILE.parquet [-seed S]
//
// Ten records tell of six businesses. Every record is made from its business
// alone, with the typos, short forms and gaps of its source (render.go has the
// shares), and stands at a random place of the file. What makes it hard is in
// it, too: chains, some with one phone for all branches; offices where several
// firms have one address and phone; neighbours with nearly one name; popular
// surnames; websites on hosts that everybody uses.
//
// The same size and seed give the same file. Names, phones and websites belong
// to nobody that bizgen knows of: never call or open them.
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
)

func main() {
	n := flag.Int("n", 0, "records (required)")
	out := flag.String("out", "", "Parquet file to write (required)")
	seed := flag.Uint64("seed", 1, "seed")
	flag.Parse()
	if *n < 1 || *n > math.MaxInt32 || *out == "" || flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "usage: bizgen -n N -out FILE.parquet [-seed S]")
		os.Exit(2)
	}
	if err := generate(*out, *n, *seed); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// generate writes the file, whole or not at all.
func generate(path string, n int, seed uint64) error {
	w := newWorld(seed, n)
	owners := w.owners(n)
	temp := path + ".partial"
	f, err := os.Create(temp)
	if err != nil {
		return err
	}
	buffered := bufio.NewWriterSize(f, 1<<20)
	// The Parquet writer would close the file under the buffer.
	err = w.write(struct{ io.Writer }{buffered}, owners)
	if err = errors.Join(err, buffered.Flush(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(temp))
	}
	if err := os.Rename(temp, path); err != nil {
		return err
	}
	fmt.Printf("%d records of %d businesses, %d of them branches of %d chains, %d true pairs\n",
		n, w.size, w.branches(), len(w.chains), truePairs(w.size, owners))
	return nil
}

// owners says of which business each record tells. Every business has one
// record; the rest are shared out in ones, twos and fours. Then they are
// shuffled, so that repeats are far apart.
func (w *world) owners(n int) []uint32 {
	d := newDice(w.seed, forOrder, 0)
	owners := make([]uint32, 0, n)
	for i := range w.size {
		owners = append(owners, uint32(i))
	}
	for len(owners) < n {
		i, more := uint32(d.below(w.size)), 1
		if !d.chance(0.6) {
			if more = 4; d.chance(0.7) {
				more = 2
			}
		}
		for range min(more, n-len(owners)) {
			owners = append(owners, i)
		}
	}
	shuffle(d, owners)
	return owners
}

func (w *world) branches() int {
	n := 0
	for _, c := range w.chains {
		n += c.branches
	}
	return n
}

func truePairs(size int, owners []uint32) int {
	records, pairs := make([]uint16, size), 0
	for _, i := range owners {
		pairs += int(records[i])
		records[i]++
	}
	return pairs
}
