package transforms

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/duckdb/duckdb-go/v2"

	"github.com/leadlake/leadlake"
)

func TestSQLError_tells_how_to_mend_a_memory_limit(t *testing.T) {
	t.Parallel()
	raw := &duckdb.Error{
		Type: duckdb.ErrorTypeOutOfMemory,
		Msg:  "Out of Memory Error: could not allocate block of size 256.0 KiB (190.7 MiB/190.7 MiB used)\n\nPossible solutions:\n* SET threads=X",
	}
	err := SQLError("build intermediate.int_blocks", "sql/intermediate/int_blocks.sql", fmt.Errorf("query: %w", raw))
	var told *leadlake.Error
	if !errors.As(err, &told) || !strings.Contains(told.Fix, "--memory") {
		t.Fatalf("got %v, want a fix that names --memory", err)
	}
	if text := err.Error(); strings.Contains(text, "Possible solutions") || !strings.Contains(text, "190.7 MiB") {
		t.Errorf("got %q, want what was asked for, without DuckDB's advice", text)
	}
}
