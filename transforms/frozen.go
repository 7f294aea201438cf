package transforms

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/leadlake/leadlake/lake"
)

// frozenTables are the tables that a frozen model gives in place of what the
// records of a run would make of them.
func frozenTables() []External {
	return []External{
		{
			Table:   "intermediate.int_name_tokens",
			Columns: "record_id bigint, name_key varchar, words varchar[], tokens bigint[], rare_tokens bigint[], name_weight bigint, initials varchar, letters varchar",
			Reads:   []string{"intermediate.int_names", "intermediate.int_records_kept"},
			Build:   frozenNameTokens,
		},
		{
			Table:   "intermediate.int_shared_contacts",
			Columns: "kind varchar, contact varchar, records bigint",
			Build:   frozenTable("int_shared_contacts", "shared_contacts"),
		},
		{
			Table:   "intermediate.int_match_weights",
			Columns: "comparison varchar, level integer, weight double, default_weight double, meaning varchar",
			Build:   frozenTable("int_match_weights", "match_weights"),
		},
	}
}

func frozenTable(model, table string) func(context.Context, *lake.Session) error {
	return func(ctx context.Context, s *lake.Session) error {
		return s.Exec(ctx, "create or replace table scratch.intermediate."+model+" as select * from matchstate."+table)
	}
}

// frozenNameTokens builds int_name_tokens by the words of the attached state. A
// word that it does not know weighs as much as one that a single record has.
func frozenNameTokens(ctx context.Context, s *lake.Session) error {
	var names int64
	if err := s.QueryRow(ctx, "select any_value(names) from matchstate.about").Scan(&names); err != nil {
		return fmt.Errorf("read match state: %w", err)
	}
	book := newWordBook()
	tokens := map[string]int64{}
	const query = "select record_id, name_key from intermediate.int_names where record_id >= %d and record_id < %d"
	pass := func(in arrow.RecordBatch) arrow.RecordBatch {
		in.Retain()
		return in
	}
	err := eachRange(ctx, s, query, pass, func(batches []arrow.RecordBatch) error {
		for _, b := range batches {
			keys := b.Column(1).(*array.String)
			for row := range keys.Len() {
				for _, w := range book.words(keys.Value(row)) {
					if _, seen := tokens[w]; !seen {
						tokens[strings.Clone(w)] = book.token(w, tokenWeight(names, 1))
					}
				}
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the words of names: %w", err)
	}
	err = s.Batches(ctx, "select word, token from matchstate.words", func(b arrow.RecordBatch) error {
		words, known := b.Column(0).(*array.String), b.Column(1).(*array.Int64)
		for row := range words.Len() {
			if _, wanted := tokens[words.Value(row)]; wanted {
				tokens[strings.Clone(words.Value(row))] = known.Value(row)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the words of the match state: %w", err)
	}
	return convertTable(ctx, s, "scratch.intermediate.int_name_tokens", query, nameSchema, func(in arrow.RecordBatch) arrow.RecordBatch {
		return book.batch(in, tokens)
	})
}

// given is a table that is there already.
func given(table, columns string) External {
	return External{Table: "intermediate." + table, Columns: columns, Build: func(context.Context, *lake.Session) error { return nil }}
}

// substituted replaces externals by others of the same tables, and adds those
// that there were none of.
func substituted(externals []External, by ...External) []External {
	out := slices.DeleteFunc(slices.Clone(externals), func(e External) bool {
		return slices.ContainsFunc(by, func(b External) bool { return b.Table == e.Table })
	})
	return append(out, by...)
}

// without hides the models of tables that Go makes instead.
type without struct {
	fs.FS
	externals []External
}

// ReadDir implements fs.ReadDirFS.
func (w without) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(w.FS, name)
	return slices.DeleteFunc(entries, func(e fs.DirEntry) bool {
		table, isSQL := strings.CutSuffix(e.Name(), ".sql")
		return isSQL && name == "sql/intermediate" && slices.ContainsFunc(w.externals, func(x External) bool { return x.Table == "intermediate."+table })
	}), err
}
