package transforms

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/duckdb/duckdb-go/v2"

	"github.com/leadlake/leadlake"
)

var errorLine = regexp.MustCompile(`LINE (\d+):`)

// SQLError names the file, and the line where DuckDB told it, of a statement
// that failed. Statements are put together so that a model's lines keep their
// numbers.
func SQLError(what, file string, err error) error {
	if short := memoryError(what, err); short != nil {
		return short
	}
	line := 1
	if match := errorLine.FindStringSubmatch(err.Error()); match != nil {
		line, _ = strconv.Atoi(match[1])
	}
	return fmt.Errorf("%s: %s:%d: %w", what, file, line, err)
}

// memoryError is the error of a statement that did not fit DuckDB's memory
// limit even by spilling to disk, and nil for any other. DuckDB's own advice
// is about settings that are not the user's.
func memoryError(what string, err error) error {
	var e *duckdb.Error
	if !errors.As(err, &e) || e.Type != duckdb.ErrorTypeOutOfMemory {
		return nil
	}
	detail, _, _ := strings.Cut(e.Msg, "\n")
	return leadlake.Errorf(leadlake.Invalid, "%s: %s", what, strings.TrimPrefix(detail, "Out of Memory Error: ")).
		WithFix("give it more memory with --memory, or fewer threads with --threads, or free some disk space")
}
