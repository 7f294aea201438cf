package transforms

import (
	"fmt"
	"regexp"
	"strconv"
)

var errorLine = regexp.MustCompile(`LINE (\d+):`)

// SQLError names the file, and the line where DuckDB told it, of a statement
// that failed. Statements are put together so that a model's lines keep their
// numbers.
func SQLError(what, file string, err error) error {
	line := 1
	if match := errorLine.FindStringSubmatch(err.Error()); match != nil {
		line, _ = strconv.Atoi(match[1])
	}
	return fmt.Errorf("%s: %s:%d: %w", what, file, line, err)
}
