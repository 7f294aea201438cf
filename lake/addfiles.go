package lake

import (
	"context"
	"fmt"
	"strings"

	"github.com/leadlake/leadlake"
)

// AddFiles registers Parquet objects of the bucket as rows of a lake table,
// "schema.name", without copying them: from then on they belong to DuckLake,
// which may delete them. A file that the table has already is left out, so
// that a repeated call changes nothing; what DuckLake offers would count its
// rows twice. Columns match by name, and those a file lacks are null.
//
// It must run inside Commit. Two processes that add one file at the same time
// are not detected: the caller holds the lease of whatever wrote it.
func (l *Lake) AddFiles(ctx context.Context, s *Session, table string, keys ...string) error {
	if s.added == nil {
		return leadlake.Errorf(leadlake.Internal, "add files to %s: not inside Commit", table)
	}
	schema, name, ok := strings.Cut(table, ".")
	if !ok {
		return leadlake.Errorf(leadlake.Internal, "add files to %s: name the table as schema.name", table)
	}
	present, err := s.listFiles(ctx, schema, name)
	if err != nil {
		return fmt.Errorf("list files of %s: %w", table, err)
	}
	var urls []string
	for _, key := range keys {
		url := l.bucket.URL(key)
		if url == "" {
			return leadlake.Errorf(leadlake.Internal, "add files to %s: DuckDB cannot read a bucket in memory", table)
		}
		// DuckLake does not list what this transaction has added.
		mark := table + "\n" + url
		if present[url] || s.added[mark] {
			continue
		}
		s.added[mark] = true
		urls = append(urls, Quote(url))
	}
	if len(urls) == 0 {
		return nil
	}
	const call = "call ducklake_add_data_files('lake', %s, [%s], schema => %s, allow_missing => true)"
	if err := s.Exec(ctx, fmt.Sprintf(call, Quote(name), strings.Join(urls, ", "), Quote(schema))); err != nil {
		return fmt.Errorf("add %d files to %s: %w", len(urls), table, err)
	}
	return nil
}

func (s *Session) listFiles(ctx context.Context, schema, name string) (map[string]bool, error) {
	const query = "select data_file from ducklake_list_files('lake', %s, schema => %s)"
	rows, err := s.Query(ctx, fmt.Sprintf(query, Quote(name), Quote(schema)))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	files := map[string]bool{}
	for rows.Next() {
		var file string
		if err := rows.Scan(&file); err != nil {
			return nil, err
		}
		files[file] = true
	}
	return files, rows.Err()
}
