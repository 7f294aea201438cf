package transforms

import (
	"context"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
)

// linkSchema is scratch.runtime.links: what people said that stands.
var linkSchema = arrow.NewSchema([]arrow.Field{
	{Name: "link_id", Type: arrow.BinaryTypes.String},
	{Name: "left_provider", Type: arrow.BinaryTypes.String},
	{Name: "left_key", Type: arrow.BinaryTypes.String},
	{Name: "right_provider", Type: arrow.BinaryTypes.String},
	{Name: "right_key", Type: arrow.BinaryTypes.String},
	{Name: "is_match", Type: arrow.FixedWidthTypes.Boolean},
	{Name: "who", Type: arrow.BinaryTypes.String},
	{Name: "why", Type: arrow.BinaryTypes.String},
	{Name: "made_at", Type: arrow.FixedWidthTypes.Timestamp_us},
}, nil)

// buildLinks builds intermediate.int_links from the links that stand.
func buildLinks(ctx context.Context, s *lake.Session, links []leadlake.Link) error {
	reader := newLinkReader(links)
	defer reader.Release()
	if err := s.Load(ctx, "scratch.runtime.links", reader); err != nil {
		return fmt.Errorf("load links: %w", err)
	}
	return runQuery(ctx, s, "links")
}

func newLinkReader(links []leadlake.Link) array.RecordReader {
	next := 0
	return newBatchReader(linkSchema, func(b *array.RecordBuilder) bool {
		rows := 0
		for ; next < len(links) && rows < batchRows; next++ {
			l := links[next]
			if !l.Stands() {
				continue
			}
			rows++
			for i, text := range map[int]string{
				0: l.ID, 1: l.Left.Provider, 2: l.Left.Key, 3: l.Right.Provider, 4: l.Right.Key, 6: l.Who, 7: l.Why,
			} {
				b.Field(i).(*array.StringBuilder).Append(text)
			}
			b.Field(5).(*array.BooleanBuilder).Append(l.Kind == leadlake.LinkMust)
			b.Field(8).(*array.TimestampBuilder).Append(arrow.Timestamp(l.At.UnixMicro()))
		}
		return rows > 0
	})
}

// runQuery runs a file of sql/queries for what it makes.
func runQuery(ctx context.Context, s *lake.Session, name string) error {
	text, err := readQuery(name)
	if err != nil {
		return err
	}
	if err := s.Exec(ctx, text); err != nil {
		return SQLError("run query", "sql/queries/"+name+".sql", err)
	}
	return nil
}
