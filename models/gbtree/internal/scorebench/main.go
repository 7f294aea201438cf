// Scorebench is our side of scripts/bench_score.sh. It scores the rows that
// bench_score.py left in a folder and prints seconds of CPU, a line each, as
// it does; then the largest difference from XGBoost's predictions.
package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"golang.org/x/sys/unix"

	"github.com/leadlake/leadlake/models/gbtree"
)

// explained is how many rows are explained.
const explained = 10_000

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return errors.New("want the folder that bench_score.py wrote to")
	}
	file, err := os.Open(filepath.Join(args[0], "model.ubj"))
	if err != nil {
		return err
	}
	defer file.Close()
	model, err := gbtree.Load(file)
	if err != nil {
		return err
	}
	in, err := os.Open(filepath.Join(args[0], "rows.arrow"))
	if err != nil {
		return err
	}
	defer in.Close()
	reader, err := ipc.NewFileReader(in)
	if err != nil {
		return err
	}
	defer reader.Close()
	var batches []arrow.RecordBatch
	rows := 0
	for i := range reader.NumRecords() {
		batch, err := reader.RecordBatchAt(i)
		if err != nil {
			return err
		}
		batches = append(batches, batch)
		rows += int(batch.NumRows())
	}
	scores := make([]float64, rows)
	for range 5 {
		begin := cpu()
		at := 0
		for _, batch := range batches {
			n := int(batch.NumRows())
			if err := model.BatchProbabilities(scores[at:at+n], batch); err != nil {
				return err
			}
			at += n
		}
		fmt.Println("ours", (cpu() - begin).Seconds())
	}
	some := batches[0].NewSlice(0, min(explained, batches[0].NumRows()))
	out := make([]float64, int(some.NumRows())*(len(model.FeatureNames())+1))
	for _, kind := range [...]string{"first", "explained"} { // the first prepares
		begin := cpu()
		if err := model.BatchContributions(out, some); err != nil {
			return err
		}
		fmt.Println(kind, (cpu()-begin).Seconds()/float64(some.NumRows())*1000)
	}
	raw, err := os.ReadFile(filepath.Join(args[0], "predictions"))
	if err != nil {
		return err
	}
	most := 0.0
	for i, score := range scores {
		theirs := math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
		most = max(most, math.Abs(score-float64(theirs)))
	}
	fmt.Println("difference", most)
	return nil
}

// cpu is what this process has used.
func cpu() time.Duration {
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
