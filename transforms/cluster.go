package transforms

import (
	"cmp"
	"context"
	"fmt"
	"slices"

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

// cutSchema is intermediate.int_cuts: one row per pair that was to merge, by
// its weight or by a must-link, and ended in two clusters. match_weight is null
// for a must-link of records that were not compared or did not match.
var cutSchema = arrow.NewSchema([]arrow.Field{
	{Name: "left_id", Type: arrow.PrimitiveTypes.Int64},
	{Name: "right_id", Type: arrow.PrimitiveTypes.Int64},
	{Name: "match_weight", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
	{Name: "reason", Type: arrow.BinaryTypes.String},
}, nil)

// Cluster builds intermediate.int_clusters and intermediate.int_cuts from
// intermediate.int_edges, every compared pair with its log2 odds, and
// intermediate.int_links, what people said. It reads the edges twice: first the
// positive ones, for the connected components, then all within components in
// which not everything may belong together. Memory is eight bytes a record,
// twelve an edge of those components, sixteen a cut, and what the largest part
// of a component takes in a joiner.
func Cluster(ctx context.Context, s *lake.Session) error {
	var records int64
	err := s.QueryRow(ctx, "select coalesce(max(record_id), 0) from intermediate.int_records_kept").Scan(&records)
	if err != nil {
		return fmt.Errorf("count records: %w", err)
	}
	if records >= 1<<32 {
		return leadlake.Errorf(leadlake.Invalid, "cluster records: %d do not fit one machine", records)
	}
	links, err := readClusterLinks(ctx, s, records)
	if err != nil {
		return err
	}
	edges := func(where string) func(func(weighedPair)) error {
		return func(fn func(weighedPair)) error {
			return readPairs(ctx, s, "select left_id, right_id, match_weight::double from intermediate.int_edges "+where, records, fn)
		}
	}
	c := newClusterer(records)
	if err := c.connect(links, edges("where match_weight > 0")); err != nil {
		return err
	}
	doubtful, err := c.doubtful(links, edges(""))
	if err != nil {
		return err
	}
	if err := c.solve(ctx, doubtful, oneBit); err != nil {
		return err
	}
	clusters := newClusterReader(c.sets)
	defer clusters.Release()
	if err := s.Load(ctx, "scratch.intermediate.int_clusters", clusters); err != nil {
		return fmt.Errorf("write clusters: %w", err)
	}
	cuts := newCutReader(c.cutsOfPairs())
	defer cuts.Release()
	if err := s.Load(ctx, "scratch.intermediate.int_cuts", cuts); err != nil {
		return fmt.Errorf("write cuts: %w", err)
	}
	return nil
}

// readClusterLinks reads what people said. Where no step makes the table, there
// is nothing.
func readClusterLinks(ctx context.Context, s *lake.Session, records int64) ([]weighedPair, error) {
	var tables int
	err := s.QueryRow(ctx, "select count(*) from duckdb_tables() where database_name = 'scratch' and schema_name = 'intermediate' and table_name = 'int_links'").Scan(&tables)
	if err != nil {
		return nil, fmt.Errorf("find links: %w", err)
	}
	if tables == 0 {
		return nil, nil
	}
	var links []weighedPair
	err = readPairs(ctx, s, "select left_id, right_id, if(is_match, 1.0, -1.0)::double from intermediate.int_links", records, func(p weighedPair) {
		if p.weight > 0 {
			p.weight = mustLink
		} else {
			p.weight = neverLink
		}
		links = append(links, p)
	})
	return links, err
}

// readPairs streams pairs with their weights, the smaller id first.
func readPairs(ctx context.Context, s *lake.Session, query string, records int64, fn func(weighedPair)) error {
	err := s.Batches(ctx, query, func(b arrow.RecordBatch) error {
		left, right, weight := b.Column(0).(*array.Int64), b.Column(1).(*array.Int64), b.Column(2).(*array.Float64)
		for i := range left.Len() {
			l, r := left.Value(i), right.Value(i)
			if min(l, r) < 1 || max(l, r) > records {
				return leadlake.Errorf(leadlake.Internal, "pair %d and %d is not of records 1 to %d", l, r, records)
			}
			if l != r && weight.IsValid(i) {
				fn(weighedPair{left: uint32(min(l, r)), right: uint32(max(l, r)), weight: fixedWeight(weight.Value(i))})
			}
		}
		return ctx.Err()
	})
	if err != nil {
		return fmt.Errorf("read pairs: %w", err)
	}
	return nil
}

// cutReason says why a pair that was to merge did not.
type cutReason uint8

// The reasons, the strongest first.
const (
	cutContradictingLinks cutReason = iota // a must-link that joins what must not match by other links
	cutNeverLink                           // its clusters hold a pair that must not match
	cutTooLarge                            // the weakest edges of a component that is too large for one cluster
	cutWeakBridge                          // the other pairs of its clusters speak against it
)

func (r cutReason) String() string {
	return [...]string{"contradicting_links", "never_link", "too_large", "weak_bridge"}[r]
}

// cut is a pair that was to merge and did not. Its weight may be mustLink.
type cut struct {
	weighedPair
	reason cutReason
}

// How many records, and pairs of them, are clustered in one go. No business has
// as many: what is larger hangs together by weak edges. A joiner of that many
// pairs takes about a GiB and half a minute.
const (
	largestPart = 200_000
	mostPairs   = 5_000_000
)

// clusterer holds the clusters while they are made.
type clusterer struct {
	sets    disjointSets
	value   linkage
	largest uint32 // members of a component that are clustered in one go
	most    int    // pairs of such a component
	cuts    []cut
}

func newClusterer(records int64) *clusterer {
	return &clusterer{sets: newDisjointSets(records), value: meanLinkage, largest: largestPart, most: mostPairs}
}

// connect makes the connected components of positive edges and must-links.
func (c *clusterer) connect(links []weighedPair, edges func(func(weighedPair)) error) error {
	union := func(p weighedPair) {
		if p.weight > 0 {
			c.sets.union(p.left, p.right)
		}
	}
	for _, l := range links {
		union(l)
	}
	return edges(union)
}

// doubtful returns all pairs within components that need a second look: those
// of three records or more, and those in which two must not match.
func (c *clusterer) doubtful(links []weighedPair, edges func(func(weighedPair)) error) ([]weighedPair, error) {
	forbidden := map[uint32]bool{}
	for _, l := range links {
		if root := c.sets.find(l.left); l.weight == neverLink && root == c.sets.find(l.right) {
			forbidden[root] = true
		}
	}
	var pairs []weighedPair
	collect := func(p weighedPair) {
		if root := c.sets.find(p.left); root == c.sets.find(p.right) && (c.sets.size[root] > 2 || forbidden[root]) {
			pairs = append(pairs, p)
		}
	}
	for _, l := range links {
		collect(l)
	}
	err := edges(collect)
	return pairs, err
}

// solve clusters the components that the pairs lie in. One that is too large
// falls apart at the threshold first.
func (c *clusterer) solve(ctx context.Context, pairs []weighedPair, threshold int32) error {
	slices.SortFunc(pairs, func(p, q weighedPair) int { return cmp.Compare(c.sets.find(p.left), c.sets.find(q.left)) })
	for len(pairs) > 0 {
		root, n := c.sets.find(pairs[0].left), 1
		for n < len(pairs) && c.sets.find(pairs[n].left) == root {
			n++
		}
		if err := c.solveOne(ctx, pairs[:n], threshold); err != nil {
			return err
		}
		pairs = pairs[n:]
	}
	return nil
}

// solveOne clusters one component. Once the threshold is above every weight,
// only must-links hold it together: then it is as large as people want it.
func (c *clusterer) solveOne(ctx context.Context, pairs []weighedPair, threshold int32) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	root := c.sets.find(pairs[0].left)
	if c.sets.size[root] <= c.largest && len(pairs) <= c.most || threshold > mustLink/2 {
		c.joinPairs(pairs)
		return nil
	}
	return c.solve(ctx, c.split(pairs, threshold), 2*threshold)
}

// split takes a component apart into what edges above the threshold connect,
// and returns the pairs within the parts.
func (c *clusterer) split(pairs []weighedPair, threshold int32) []weighedPair {
	for _, p := range pairs {
		c.sets.reset(p.left)
		c.sets.reset(p.right)
	}
	for _, p := range pairs {
		if p.weight > threshold {
			c.sets.union(p.left, p.right)
		}
	}
	within := pairs[:0]
	for _, p := range pairs {
		switch {
		case c.sets.find(p.left) == c.sets.find(p.right):
			within = append(within, p)
		case p.weight > 0:
			c.cuts = append(c.cuts, cut{p, cutTooLarge})
		}
	}
	return within
}

// joinPairs clusters the records of a component's pairs.
func (c *clusterer) joinPairs(pairs []weighedPair) {
	j := newJoiner(c.value, pairs)
	j.run(pairs)
	for _, id := range j.ids {
		c.sets.reset(id)
	}
	for at, id := range j.ids {
		c.sets.union(j.ids[j.sets.find(uint32(at))], id)
	}
	for _, p := range pairs {
		if p.weight <= 0 || c.sets.find(p.left) == c.sets.find(p.right) {
			continue
		}
		reason := cutWeakBridge
		if p.weight == mustLink {
			reason = cutContradictingLinks
		} else if j.between[slots(j.cluster(p.left), j.cluster(p.right))].isNever {
			reason = cutNeverLink
		}
		c.cuts = append(c.cuts, cut{p, reason})
	}
}

// cutsOfPairs returns one cut a pair, in order, with the strongest reason and
// the largest weight.
func (c *clusterer) cutsOfPairs() []cut {
	slices.SortFunc(c.cuts, func(a, b cut) int {
		return cmp.Or(cmp.Compare(a.left, b.left), cmp.Compare(a.right, b.right), cmp.Compare(a.reason, b.reason), cmp.Compare(b.weight, a.weight))
	})
	out := c.cuts[:0]
	for _, next := range c.cuts {
		if n := len(out); n == 0 || out[n-1].left != next.left || out[n-1].right != next.right {
			out = append(out, next)
		} else if out[n-1].weight == mustLink {
			out[n-1].weight = next.weight
		}
	}
	return out
}

// newClusterReader streams the matched records with their clusters.
func newClusterReader(sets disjointSets) array.RecordReader {
	next := 1
	return newBatchReader(clusterSchema, func(b *array.RecordBuilder) bool {
		records, clusters := b.Field(0).(*array.Int64Builder), b.Field(1).(*array.Int64Builder)
		for ; next < len(sets.parent) && records.Len() < batchRows; next++ {
			if root := sets.find(uint32(next)); sets.size[root] > 1 {
				records.Append(int64(next))
				clusters.Append(int64(root))
			}
		}
		return records.Len() > 0
	})
}

// newCutReader streams the cuts.
func newCutReader(cuts []cut) array.RecordReader {
	return newBatchReader(cutSchema, func(b *array.RecordBuilder) bool {
		n := min(len(cuts), batchRows)
		for _, cut := range cuts[:n] {
			b.Field(0).(*array.Int64Builder).Append(int64(cut.left))
			b.Field(1).(*array.Int64Builder).Append(int64(cut.right))
			if cut.weight == mustLink {
				b.Field(2).AppendNull()
			} else {
				b.Field(2).(*array.Float64Builder).Append(float64(cut.weight) / oneBit)
			}
			b.Field(3).(*array.StringBuilder).Append(cut.reason.String())
		}
		cuts = cuts[n:]
		return n > 0
	})
}
