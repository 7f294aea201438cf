package main

import (
	"strings"

	"github.com/leadlake/leadlake"
)

// noSpaceSigns are the texts with which DuckDB, SQLite and the system say that
// a disk is full. DuckDB gives them no type of their own; of a write that
// failed SQLite says that it is an I/O error.
var noSpaceSigns = []string{"no space left on device", "database or disk is full", "file too large", "disk i/o error"}

// rolledBack is what the catalog says when SQLite has given up a transaction
// by itself, which it does when it cannot write.
const rolledBack = "cannot rollback - no transaction is active"

// almostFull is the free space below which a lost catalog transaction is put
// down to the disk.
const almostFull = 16 << 20

// explainNoSpace gives errors of a full disk their code and remedy.
func (a *app) explainNoSpace(err error) error {
	if err == nil || leadlake.ErrorCode(err) != leadlake.Internal {
		return err
	}
	text := strings.ToLower(err.Error())
	full := false
	for _, sign := range noSpaceSigns {
		full = full || strings.Contains(text, sign)
	}
	if !full && strings.Contains(text, rolledBack) {
		free, statErr := freeDisk(a.cfg.Home)
		full = statErr == nil && free < almostFull
	}
	if !full {
		return err
	}
	return leadlake.Errorf(leadlake.Unavailable, "the disk is full: %w", err).
		WithFix("free some space, or move the workspace to a larger disk; then run the same command again")
}
