package transforms

import (
	"context"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
)

// clusterSchema is intermediate.int_clusters: one row per record that matched
// another. cluster_id is the smallest record_id of the cluster.
var clusterSchema = arrow.NewSchema([]arrow.Field{
	{Name: "record_id", Type: arrow.PrimitiveTypes.Int64},
	{Name: "cluster_id", Type: arrow.PrimitiveTypes.Int64},
}, nil)

// disjointSets is a union-find over the dense ids 1..n with path halving. The
// smaller root always wins, so a root is the smallest id of its set whatever
// the order of the unions.
type disjointSets []uint32

func newDisjointSets(n int64) disjointSets {
	parent := make(disjointSets, n+1)
	for i := range parent {
		parent[i] = uint32(i)
	}
	return parent
}

func (d disjointSets) find(x uint32) uint32 {
	for d[x] != x {
		d[x] = d[d[x]]
		x = d[x]
	}
	return x
}

func (d disjointSets) union(a, b uint32) {
	a, b = d.find(a), d.find(b)
	switch {
	case a < b:
		d[b] = a
	case b < a:
		d[a] = b
	}
}

// Cluster builds intermediate.int_clusters: the connected components of
// intermediate.int_edges. Memory is four bytes a record.
func Cluster(ctx context.Context, s *lake.Session) error {
	var records int64
	err := s.QueryRow(ctx, "select coalesce(max(record_id), 0) from intermediate.int_records_kept").Scan(&records)
	if err != nil {
		return fmt.Errorf("count records: %w", err)
	}
	if records >= 1<<32 {
		return leadlake.Errorf(leadlake.Invalid, "cluster records: %d do not fit one machine", records)
	}
	sets := newDisjointSets(records)
	matched := make([]bool, records+1)
	err = s.Batches(ctx, "select left_id, right_id from intermediate.int_edges", func(b arrow.RecordBatch) error {
		left, right := b.Column(0).(*array.Int64), b.Column(1).(*array.Int64)
		for i := range left.Len() {
			l, r := uint32(left.Value(i)), uint32(right.Value(i))
			sets.union(l, r)
			matched[l], matched[r] = true, true
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read edges: %w", err)
	}
	reader := newClusterReader(sets, matched)
	defer reader.Release()
	if err := s.Load(ctx, "scratch.intermediate.int_clusters", reader); err != nil {
		return fmt.Errorf("write clusters: %w", err)
	}
	return nil
}

// newClusterReader streams the matched records with their clusters.
func newClusterReader(sets disjointSets, matched []bool) array.RecordReader {
	next := 1
	return newBatchReader(clusterSchema, func(b *array.RecordBuilder) bool {
		records, clusters := b.Field(0).(*array.Int64Builder), b.Field(1).(*array.Int64Builder)
		for ; next < len(sets) && records.Len() < batchRows; next++ {
			if matched[next] {
				records.Append(int64(next))
				clusters.Append(int64(sets.find(uint32(next))))
			}
		}
		return records.Len() > 0
	})
}
